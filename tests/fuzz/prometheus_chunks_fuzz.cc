// A chunk segment file of a Prometheus block, read at every offset; and the input as a chunk of
// each encoding.
#include <cstdint>
#include <string>

#include "tests/fuzz/memory_files.h"
#include "tsdb/interop/prometheus_chunks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion;
  using namespace deucalion::tsdb;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  MemoryFiles files({{"/chunks/000001", std::string(input)}});
  SampleColumns columns;
  const auto opened = PrometheusChunkFiles::Open(&files, "/");
  if (opened.ok()) {
    for (uint64_t at = 0; at < std::min<uint64_t>(size + 2, 4096); at++) {
      const auto chunk = (*opened)->Read(at);
      columns.Clear();
      if (chunk.ok()) (void)DecodePrometheusChunk(*chunk, INT64_MIN, INT64_MAX, &columns);
    }
    (void)(*opened)->Read(uint64_t{1} << 32);
  }
  for (uint8_t encoding = 0; encoding < 8; encoding++) {
    columns.Clear();
    (void)DecodePrometheusChunk({encoding, input}, INT64_MIN / 2, INT64_MAX / 2, &columns);
  }
  return 0;
}
