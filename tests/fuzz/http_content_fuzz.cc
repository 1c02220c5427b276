// Compressed bodies, headers and query strings: the first byte chooses.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/http/compress.h"
#include "server/http/message.h"
#include "server/http/multipart.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::http;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr size_t kMax = 1 << 16;
  switch (data[0] % 6) {
    case 0:
    case 1:
    case 2: {
      constexpr std::string_view kCodings[] = {"gzip", "deflate", "zstd"};
      const auto decoded = DecodeContent(kCodings[data[0] % 6], bytes, kMax);
      if (decoded.ok() && decoded->size() > kMax) abort();
      break;
    }
    case 3: {
      Params params;
      (void)ParseQuery(bytes, &params).ok();
      break;
    }
    case 5: {
      Params params;
      (void)ParseMultipart("b", bytes, &params).ok();
      break;
    }
    default:
      (void)ParseMediaType(bytes).ok();
      (void)ChooseCoding(bytes);
  }
  return 0;
}
