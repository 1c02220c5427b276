// The Prometheus text parser, with and without custom-bucket conversion.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/scrape/parse/parse_to_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::scrape;  // NOLINT
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  ParseToText(NewTextParser(body, {.type_and_unit_labels = true}).get(), true);
  ParseToText(NewNhcbParser(NewTextParser(body, {}), true).get(), true);
  return 0;
}
