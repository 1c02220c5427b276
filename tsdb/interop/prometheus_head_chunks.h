// <data>/chunks_head: full chunks of Prometheus's head, which it maps into memory.
//
//   file:  u32 magic 0x0130BC91, u8 version 1, 3 zero bytes, chunks                 (big-endian)
//   chunk: u64 series, i64 first ms, i64 last ms, u8 encoding (+ 128: of out-of-order samples),
//          varint length, data, u32 crc32c of all that
//
// The newest file was allocated ahead and ends in zeros. Series are numbered as in the WAL.
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_HEAD_CHUNKS_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_HEAD_CHUNKS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "tsdb/interop/prometheus_chunks.h"

namespace deucalion::tsdb {

inline constexpr uint32_t kPrometheusHeadChunksMagic = 0x0130BC91;
inline constexpr uint8_t kOutOfOrderChunk = 0x80;

struct PrometheusHeadChunk {
  uint64_t ref = 0;
  int64_t min_ms = 0, max_ms = 0;
  bool out_of_order = false;
  PrometheusChunk chunk;
};

// Walks one file. Borrows the bytes. Thread-compatible. A file cannot be entered in the middle:
// behind damage nothing of it can be read.
class PrometheusHeadChunkReader {
 public:
  static Result<PrometheusHeadChunkReader> Open(std::string_view file);
  // False at the end or at damage: ask status().
  bool Next(PrometheusHeadChunk* out);
  const Status& status() const { return status_; }
  // Where the next chunk would begin.
  uint64_t offset() const { return at_; }
  void Seek(uint64_t offset) { at_ = offset; }

 private:
  explicit PrometheusHeadChunkReader(std::string_view file) : bytes_(file) {}

  std::string_view bytes_;
  size_t at_ = kPrometheusChunksHeaderBytes;
  Status status_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_HEAD_CHUNKS_H_
