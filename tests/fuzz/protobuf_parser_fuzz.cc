// The protobuf parser in its three ways of treating histograms.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/scrape/parse/parse_to_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::scrape;  // NOLINT
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  ParseToText(NewProtobufParser(body, {.keep_classic = true}).get(), true);
  ParseToText(NewProtobufParser(body, {.ignore_native_histograms = true}).get(), true);
  ParseToText(
      NewProtobufParser(body, {.ignore_native_histograms = true, .convert_classic_to_nhcb = true})
          .get(),
      true);
  return 0;
}
