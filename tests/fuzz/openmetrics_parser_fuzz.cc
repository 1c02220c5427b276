// The OpenMetrics parser, with start timestamps and custom-bucket conversion.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/scrape/parse/parse_to_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::scrape;  // NOLINT
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const ParserOptions options{.type_and_unit_labels = true, .skip_created_series = true};
  ParseToText(NewOpenMetricsParser(body, options).get(), true);
  ParseToText(NewNhcbParser(NewOpenMetricsParser(body, {}), false).get(), true);
  return 0;
}
