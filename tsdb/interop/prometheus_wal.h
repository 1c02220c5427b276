// Prometheus's write-ahead logs as files: the WAL (<data>/wal), its checkpoints
// (<data>/wal/checkpoint.NNNNNNNN) and the log of out-of-order samples (<data>/wbl).
//
//   directory: segments 00000000, 00000001, …
//   segment:   pages of 32 KiB
//   page:      fragments; the rest zeros
//   fragment:  u8 kind (1 whole record, 2 first, 3 middle, 4 last part; + 8 snappy, + 16 zstd; 0:
//   the
//              rest of the page is empty), u16 length, u32 crc32c of the data, data    (big-endian)
//
// A record lies within one segment; it is compressed as a whole.
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_WAL_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_WAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"

namespace deucalion::tsdb {

struct PrometheusSegment {
  uint32_t number = 0;
  std::string path;
  uint64_t size_bytes = 0;
};

// Ascending; none when the directory is not there.
Result<std::vector<PrometheusSegment>> ListPrometheusSegments(FileSystem* fs,
                                                              const std::string& dir);

struct PrometheusCheckpoint {
  uint32_t number = 0;  // replaces the segments up to this one
  std::string dir;
};
// The newest one.
Result<std::optional<PrometheusCheckpoint>> FindPrometheusCheckpoint(FileSystem* fs,
                                                                     const std::string& wal_dir);

// Reads the records of one segment. Borrows the bytes. Thread-compatible.
class PrometheusSegmentReader {
 public:
  explicit PrometheusSegmentReader(std::string_view segment) : bytes_(segment) {}

  enum class Outcome {
    kRecord,
    kEnd,
    kTorn,     // the file ends within a record: what a crash leaves behind
    kDamaged,  // problem() says what; Next() goes on with the next page
  };
  Outcome Next();
  // Of the record Next() found: where its first fragment begins.
  uint64_t offset() const { return record_at_; }
  const std::string& problem() const { return problem_; }
  // Its type (prometheus_records.h) when that can be seen without decompressing all of it, else 0.
  uint8_t PeekType() const;
  // The record, decompressed. Valid until the next call of Next() or Record().
  Result<std::string_view> Record();

 private:
  enum class Compression { kNone, kSnappy, kZstd };
  Outcome Damaged(std::string problem);
  // Passes over an empty rest of a page; false when it is not empty.
  bool SkipPadding();

  const std::string_view bytes_;
  size_t at_ = 0;
  size_t record_at_ = 0;
  Compression compression_ = Compression::kNone;
  std::string_view raw_;  // the record as it is stored
  std::string joined_;    // raw_ of a record in several fragments
  std::string inflated_;
  std::string problem_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_WAL_H_
