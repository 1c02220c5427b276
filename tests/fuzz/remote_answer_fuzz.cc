// What other servers answer to remote reads. The first byte says which kind.
#include <string_view>

#include "server/remote/fetch/read_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::remote;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  deucalion::FixedBudget budget("an answer", 64 << 20);
  if (data[0] == 's') {
    (void)ParseSamplesAnswer(body, 16 << 20, &budget);
  } else if (data[0] == 'c') {
    (void)ParseChunksAnswer(body, 16 << 20, &budget);
  } else {
    // Behind the checksum, which no mutation would get past.
    FetchedAnswer all{.series = {}, .charge = deucalion::MemoryCharge(&budget)};
    (void)ReadChunksFrame(body, &all);
  }
  return 0;
}
