// Planning compactions: from metas to what should become one block next. Pure.
#ifndef DEUCALION_TSDB_COMPACT_PLANNER_H_
#define DEUCALION_TSDB_COMPACT_PLANNER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tsdb/block/block_meta.h"

namespace deucalion::tsdb {

// What the planner knows of one block.
struct PlannedBlock {
  BlockMeta meta;
  uint64_t tombstones = 0;  // deleted ranges not yet applied
};

struct CompactionPlan {
  std::vector<std::string> ulids;  // of the blocks to merge, oldest first; empty: nothing to do
  std::string reason;
  bool empty() const { return ulids.empty(); }
};

// 2 h, 8 h, 24 h for a smallest range of 2 h; never beyond `largest_ms` (but at least the
// smallest).
std::vector<int64_t> CompactionRanges(int64_t smallest_ms, int64_t largest_ms);

// The most useful next step, in this order: blocks of series that ended, eight of one level and
// range; blocks that overlap in time; the oldest aligned group
// of a range that is complete; a block with many deletions; a block of Prometheus's format that
// will not be merged any more. Blocks marked failed are left alone.
CompactionPlan PlanCompaction(const std::vector<PlannedBlock>& blocks,
                              const std::vector<int64_t>& ranges);

// The meta of the block that merging `parents` makes: range, level, sources, parents.
BlockMeta MergedMeta(const std::vector<BlockMeta>& parents, std::string ulid);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_COMPACT_PLANNER_H_
