// Prometheus's chunk segment files and the chunks in them.
//
//   file:  u32 magic 0x85BD40DD, u8 version 1, 3 zero bytes, chunks          (all big-endian)
//   chunk: varint length of the data, u8 encoding, data, u32 crc32c of encoding and data
//
// A chunk reference is the file's place in the directory (from 0) in the upper 32 bits, the offset
// in the lower.
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_CHUNKS_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_CHUNKS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "model/histogram.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

inline constexpr uint32_t kPrometheusChunksMagic = 0x85BD40DD;
// Encodings, as they are on disk.
inline constexpr uint8_t kEncodingXor = 1;
inline constexpr size_t kPrometheusChunksHeaderBytes = 8;

struct PrometheusChunk {
  uint8_t encoding = 0;
  std::string_view data;
};

// Memory-mapped; thread-safe.
class PrometheusChunkFiles {
 public:
  // All files of <dir>/chunks, in order.
  static Result<std::unique_ptr<PrometheusChunkFiles>> Open(FileSystem* fs, const std::string& dir);
  // The chunk at `ref`, checksum verified. Valid as long as this.
  Result<PrometheusChunk> Read(uint64_t ref) const;
  uint64_t size_bytes() const;

 private:
  struct File {
    std::string path;
    std::unique_ptr<MappedFile> map;
  };
  std::vector<File> files_;
};

// The integer histogram of which `h` is the float form: all its counts are whole.
IntHistogram ToIntHistogram(const FloatHistogram& h);

// Appends the samples of a chunk within [min_ms, max_ms].
Status DecodePrometheusChunk(const PrometheusChunk& chunk, int64_t min_ms, int64_t max_ms,
                             SampleColumns* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_CHUNKS_H_
