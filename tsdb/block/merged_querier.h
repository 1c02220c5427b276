// MergedQuerier: a Querier over the head's querier and a pinned set of blocks.
#ifndef DEUCALION_TSDB_BLOCK_MERGED_QUERIER_H_
#define DEUCALION_TSDB_BLOCK_MERGED_QUERIER_H_

#include <memory>
#include <string>
#include <vector>

#include "tsdb/block/block.h"
#include "tsdb/block/merge.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Thread-safe as far as the head's querier is.
class MergedQuerier : public Querier {
 public:
  // `head` may be null; it has no samples before `head_min_ms`. Blocks outside [min_ms, max_ms] are
  // not kept.
  MergedQuerier(std::unique_ptr<Querier> head, int64_t head_min_ms,
                const std::vector<std::shared_ptr<const Block>>& blocks, int64_t min_ms,
                int64_t max_ms);

  Result<std::unique_ptr<SeriesSet>> Select(bool sorted, const SelectHints& hints,
                                            const std::vector<Matcher>& matchers,
                                            const CancelToken* cancel) override;
  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               const std::vector<Matcher>& matchers, size_t limit,
                                               bool* truncated) override;
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers, size_t limit,
                                              bool* truncated) override;
  uint64_t EstimateSeries(const std::vector<Matcher>& matchers) override;

 private:
  const std::unique_ptr<Querier> head_;
  const int64_t head_min_ms_;
  const int64_t min_ms_, max_ms_;
  std::vector<std::shared_ptr<const Block>> blocks_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_MERGED_QUERIER_H_
