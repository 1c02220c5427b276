// meta.json of a block: Prometheus's fields under Prometheus's names, plus ours under "deucalion".
#ifndef DEUCALION_TSDB_BLOCK_BLOCK_META_H_
#define DEUCALION_TSDB_BLOCK_BLOCK_META_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/block/segment_writer.h"

namespace deucalion::tsdb {

inline constexpr std::string_view kMetaFile = "meta.json";
inline constexpr std::string_view kIndexFile = "index";

struct BlockParent {
  std::string ulid;
  int64_t min_ms = 0;
  int64_t max_ms = 0;
};

struct BlockMeta {
  std::string ulid;
  int64_t min_ms = 0;
  int64_t max_ms = 0;  // exclusive
  uint64_t samples = 0, float_samples = 0, histogram_samples = 0;
  uint64_t series = 0, chunks = 0, tombstones = 0;
  int level = 1;
  std::vector<std::string> sources;  // level-1 blocks this one was made of, itself included
  std::vector<BlockParent> parents;  // blocks this one replaces
  std::vector<std::string> hints;    // "from-out-of-order", "from-ended-series"
  bool failed = false;               // a compaction of it failed before

  // Ours. Empty `files` = a block of Prometheus's format.
  int version = 0;
  std::vector<WrittenFile> files;  // all but meta.json itself, with their exact sizes
  // Of a head cut: samples before it are here; opaque WAL positions it covers.
  bool head_cut = false;
  int64_t cut_ms = 0;
  std::string cut_positions;

  bool ours() const { return version != 0; }
  bool FromOutOfOrder() const;
  bool FromEndedSeries() const;
  uint64_t SizeBytes() const;
};

inline constexpr int kBlockVersion = 1;
// Of blocks with series that left the head before their range was cut.
inline constexpr std::string_view kFromEndedSeries = "from-ended-series";

std::string EncodeBlockMeta(const BlockMeta& meta);
// `where` names the file in errors.
Result<BlockMeta> ParseBlockMeta(std::string_view json, const std::string& where);
Result<BlockMeta> ReadBlockMeta(FileSystem* fs, const std::string& dir);

// 26 characters, ascending with time.
std::string NewUlid(int64_t now_ms);
bool IsUlid(std::string_view text);
// The time in a ULID.
int64_t UlidTimeMs(std::string_view ulid);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_BLOCK_META_H_
