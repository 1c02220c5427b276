// BlockEngine: what turns the head into blocks and looks after them: cuts, compaction, retention,
// deletions, snapshots. The BlockStore underneath keeps each change atomic.
//
// Thread-safe. Cuts exclude each other; so do compactions, cleaning and snapshots. The two kinds
// run side by side: a long compaction never delays a cut.
#ifndef DEUCALION_TSDB_DB_BLOCK_ENGINE_H_
#define DEUCALION_TSDB_DB_BLOCK_ENGINE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/thread_annotations.h"
#include "tsdb/block/block_store.h"
#include "tsdb/catalog/catalog.h"
#include "tsdb/compact/compactor.h"
#include "tsdb/db/engine_metrics.h"
#include "tsdb/head/head.h"
#include "tsdb/storage/admin.h"
#include "tsdb/wal/wal.h"

namespace deucalion::tsdb {

struct BlockEngineOptions {
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  Logger* logger = nullptr;
  std::string root;        // the data directory
  std::string blocks_dir;  // ours, below it
  int64_t min_range_ms = 0;
  int64_t max_range_ms = 0;
  const EngineMetrics* metrics = nullptr;  // must outlive the engine
};

// Where the newest cut was made.
struct CutState {
  int64_t cut_ms = kMinTimeMs;
  std::vector<wal::Position> positions;  // per stream; everything below cut_ms before them is cut
};

struct BlockCounters {
  std::atomic<uint64_t> cuts{0};
  std::atomic<uint64_t> cuts_failed{0};
  std::atomic<uint64_t> compactions{0};
  std::atomic<uint64_t> compactions_failed{0};
  std::atomic<uint64_t> dropped_by_time{0};
  std::atomic<uint64_t> dropped_by_size{0};
};

class BlockEngine {
 public:
  // `catalog` must outlive it; `rebuild`: it was lost.
  static Result<std::unique_ptr<BlockEngine>> Open(const BlockEngineOptions& options,
                                                   Catalog* catalog, bool rebuild);

  // From the catalogue, or from the blocks' metas when that was lost. For Head::SetFloor and
  // replay.
  Result<CutState> LastCut() const;

  // End of the newest block that did not come out of our head: appends go on behind it, as in
  // Prometheus. kMinTimeMs when there is none.
  int64_t NewestForeignMs() const;

  // ---- cut ----

  // Makes a change visible to readers in one step with raising the head's floor.
  using Installer =
      std::function<Status(int64_t cut_ms, uint64_t late_watermark, int64_t late_below_ms,
                           const std::function<Status()>& install)>;
  // Whether the head spans 1.5 ranges, or late samples fill 32 MiB.
  bool CutIsDue(const Head& head) const;
  // Cuts the oldest range out of the head, and every late sample below it; every late sample there
  // is, when no range is due. The caller truncates.
  Status Cut(Head* head, wal::Wal* wal, const Installer& install) EXCLUDES(cut_mu_);

  // Writes the samples of series that ended (Head::MarkEnded) as blocks of their own, one per
  // range. `install` makes them visible by what it is called with. The caller removes the series
  // from the head.
  Status WriteEnded(Head* head, const std::vector<EndedSeries>& ended,
                    const std::function<Status(const std::function<Status()>& commit)>& install)
      EXCLUDES(cut_mu_);

  // ---- blocks ----

  // Carries out the next planned compaction; false when there is nothing to do.
  Result<bool> CompactOnce(const CancelToken* cancel, const std::function<void(uint64_t)>& throttle)
      EXCLUDES(compact_mu_);
  // `other_bytes`: WAL and head on disk.
  Status ApplyRetention(const StorageSettings& settings, uint64_t other_bytes)
      EXCLUDES(compact_mu_);
  Status DeleteSeries(int64_t min_ms, int64_t max_ms, const std::vector<Matcher>& matchers)
      EXCLUDES(delete_mu_);
  Status CleanTombstones(const CancelToken* cancel) EXCLUDES(compact_mu_);
  // Blocks, and the head's samples as blocks unless `head` is null, below `dir` (made; whole or not
  // at all).
  Status Snapshot(const std::string& dir, Head* head, const CancelToken* cancel)
      EXCLUDES(compact_mu_);

  BlockStore& store() { return *store_; }
  std::shared_ptr<const BlockList> List() const { return store_->List(); }
  std::vector<BlockInfo> Infos() const;
  // kMaxTimeMs, kMinTimeMs when there are none.
  std::pair<int64_t, int64_t> TimeBounds() const;
  uint64_t SizeBytes() const;
  const BlockCounters& counters() const { return counters_; }

 private:
  BlockEngine(const BlockEngineOptions& options, Catalog* catalog)
      : options_(options), catalog_(catalog) {}
  BlockJob JobFor(const std::string& ulid, const CancelToken* cancel) const;
  BlockMeta NewMeta(int64_t min_ms, int64_t max_ms) const;
  // Writes [min_ms, max_ms) of the head, or only the late samples in it, as a block into `dir`;
  // none without a sample.
  Status WriteHeadRange(Head* head, int64_t min_ms, int64_t max_ms, bool late_only, BlockMeta meta,
                        const std::string& dir, const CancelToken* cancel,
                        std::vector<BlockMeta>* written) const;
  Status WriteSet(SeriesSet& set, BlockMeta meta, const std::string& dir, const CancelToken* cancel,
                  std::vector<BlockMeta>* written) const;
  Status Merge(const std::vector<std::string>& ulids, const std::string& reason,
               const CancelToken* cancel, const std::function<void(uint64_t)>& throttle)
      REQUIRES(compact_mu_);
  Status SnapshotBlock(const Block& block, const std::string& dir) const;

  const BlockEngineOptions options_;
  Catalog* const catalog_;
  std::unique_ptr<BlockStore> store_;
  BlockCounters counters_;
  Mutex cut_mu_;
  Mutex compact_mu_;
  Mutex delete_mu_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_BLOCK_ENGINE_H_
