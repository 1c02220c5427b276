// Files of Prometheus's chunks_head; their checksums are made right before they are read.
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/interop/prometheus_head_chunks.h"

namespace {

using namespace deucalion;
using namespace deucalion::tsdb;

void Read(std::string_view file) {
  auto reader = PrometheusHeadChunkReader::Open(file);
  if (!reader.ok()) return;
  PrometheusHeadChunk chunk;
  SampleColumns columns;
  while (reader->Next(&chunk)) {
    columns.Clear();
    (void)DecodePrometheusChunk(chunk.chunk, INT64_MIN, INT64_MAX, &columns);
  }
}

// The same file with the checksums that belong there.
std::string Mended(std::string_view file) {
  std::string out(file);
  size_t at = kPrometheusChunksHeaderBytes;
  while (at < out.size()) {
    ByteReader in(std::string_view(out).substr(at));
    in.Skip(25);
    const uint64_t length = in.Varint();
    if (!in.ok() || length > in.remaining()) break;
    in.Skip(length);
    if (in.remaining() < 4) break;
    std::string crc;
    PutBigEndian32(&crc, Crc32c(std::string_view(out).substr(at, in.offset())));
    out.replace(at + in.offset(), 4, crc);
    at += in.offset() + 4;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Read(input);
  Read(Mended(input));
  return 0;
}
