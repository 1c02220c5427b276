// BlockSource: persisted samples, as the Db sees them.
#ifndef DEUCALION_TSDB_DB_BLOCK_SOURCE_H_
#define DEUCALION_TSDB_DB_BLOCK_SOURCE_H_

#include <memory>
#include <utility>
#include <vector>

#include "base/status.h"
#include "tsdb/storage/admin.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Thread-safe.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  // Queriers of the blocks that overlap [min_ms, max_ms], oldest first. Each keeps its block alive.
  virtual Result<std::vector<std::unique_ptr<Querier>>> Queriers(int64_t min_ms,
                                                                 int64_t max_ms) = 0;
  virtual Status DeleteSeries(int64_t min_ms, int64_t max_ms,
                              const std::vector<Matcher>& matchers) = 0;
  virtual Status CleanTombstones() = 0;
  virtual std::vector<BlockInfo> Blocks() = 0;
  // kMaxTimeMs, kMinTimeMs when there are none.
  virtual std::pair<int64_t, int64_t> TimeBounds() = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_BLOCK_SOURCE_H_
