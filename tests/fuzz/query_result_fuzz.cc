// Answers of the HTTP API, as deutool reads and prints them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/tool/query_result.h"

using namespace deucalion::tool;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const int status : {200, 400, 500}) {
    if (const auto value = DecodeQueryValue(status, body); value.ok()) {
      TextOf(value->data);
      JsonOf(value->data);
    }
    if (const auto series = DecodeSeries(status, body); series.ok()) JsonOf(series->data);
    if (const auto names = DecodeNames(status, body); names.ok()) JsonOf(names->data);
  }
  return 0;
}
