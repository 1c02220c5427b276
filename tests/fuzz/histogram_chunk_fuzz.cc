// First byte: 0 an integer chunk, else a float one. The rest is the chunk. What decodes must encode
// and decode again to the same numbers.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tsdb/chunk/histogram_chunk.h"

namespace {

using namespace deucalion;        // NOLINT
using namespace deucalion::tsdb;  // NOLINT

template <typename State>
void Check(std::string_view chunk) {
  HistogramChunkReader<State> reader(chunk);
  size_t n = 0;
  while (reader.Next()) n++;
  if (!reader.status().ok()) return;
  auto writer = HistogramChunkWriter<State>::Resume(chunk);
  if (!writer.ok() || n == 0) return;
  HistogramChunkReader<State> first(chunk), second(writer->bytes());
  while (first.Next()) {
    const bool same = second.Next() && first.time_ms() == second.time_ms() &&
                      first.histogram().Equals(second.histogram());
    if (!same) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view chunk(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0) {
    Check<IntSampleState>(chunk);
  } else {
    Check<FloatSampleState>(chunk);
  }
  return 0;
}
