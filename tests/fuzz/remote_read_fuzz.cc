// Remote read requests.
#include <string_view>

#include "server/remote/read_request.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::remote;
  const auto request =
      ParseReadRequest(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!request.ok()) return 0;
  (void)NegotiateResponseType(request->accepted_types);
  for (const ReadQuery& query : request->queries) {
    (void)query.Range();
    (void)StorageMatchers(query, deucalion::LabelsView());
  }
  return 0;
}
