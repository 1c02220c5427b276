// Remote write messages of both versions.
#include <string_view>

#include "server/remote/write_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  deucalion::remote::WriteRequest request;
  for (const auto& parse :
       {deucalion::remote::ParseWriteRequestV1, deucalion::remote::ParseWriteRequestV2}) {
    if (!parse(bytes, &request).ok()) continue;
    for (const auto& series : request.series) (void)request.LabelsOf(series).ToString();
  }
  return 0;
}
