// Merging: one answer from several sources (head, blocks) that may overlap.
#ifndef DEUCALION_TSDB_BLOCK_MERGE_H_
#define DEUCALION_TSDB_BLOCK_MERGE_H_

#include <memory>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "tsdb/block/block.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// A sorted selection of one source, and the range outside of which the source has no samples.
struct SourceSet {
  std::unique_ptr<SeriesSet> set;
  int64_t min_ms = 0;
  int64_t max_ms = 0;  // inclusive
};

// Sorts and removes repeated times within the floats appended since `floats_begin` and the
// histograms since `histograms_begin`, each consisting of ascending runs; of equal times the first
// stays.
void MergeRuns(size_t floats_begin, size_t histograms_begin, SampleColumns* out);

// The union of sorted sets, sorted: equal labels become one series, equal times one sample (that of
// the source listed first). `limit` 0 = none. `cancel` may be null; it must outlive the set.
Result<std::unique_ptr<SeriesSet>> MergeSets(std::vector<SourceSet> sources, size_t limit,
                                             const CancelToken* cancel);

// The series of a block named by `series` (ascending), read within [min_ms, max_ms].
std::unique_ptr<SeriesSet> MakeBlockSeriesSet(std::shared_ptr<const Block> block, Postings series,
                                              int64_t min_ms, int64_t max_ms,
                                              const CancelToken* cancel);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_MERGE_H_
