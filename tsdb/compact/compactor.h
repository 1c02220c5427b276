// Writing blocks from other sources: a head cut, a merge of blocks, a snapshot of the head. Streams
// in label order; the block's directory is `<final dir>.tmp-for-creation` until its owner commits
// it.
#ifndef DEUCALION_TSDB_COMPACT_COMPACTOR_H_
#define DEUCALION_TSDB_COMPACT_COMPACTOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_writer.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

inline constexpr std::string_view kCreationSuffix = ".tmp-for-creation";
inline constexpr std::string_view kDeletionSuffix = ".tmp-for-deletion";

struct BlockJob {
  FileSystem* fs = nullptr;
  std::string dir;  // where the block is written now, suffix included
  BlockWriterOptions options;
  // Looked at between series; may be null.
  const CancelToken* cancel = nullptr;
  // Called with the samples written since the last call, about every 100,000; may sleep. May be
  // empty.
  std::function<void(uint64_t samples)> throttle;
};

// Writes the samples of `set` (sorted) within [meta.min_ms, meta.max_ms). Returns the finished
// meta; without a single sample the directory is removed and meta.series is 0.
Result<BlockMeta> WriteBlock(SeriesSet& set, BlockMeta meta, const BlockJob& job);

// Merges `blocks`, tombstones applied, into the block described by `meta`.
Result<BlockMeta> MergeBlocks(const std::vector<std::shared_ptr<const Block>>& blocks,
                              BlockMeta meta, const BlockJob& job);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_COMPACT_COMPACTOR_H_
