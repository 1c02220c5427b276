// Db: one open data directory: head, WAL and blocks behind the Storage interface.
//
//   <path>/lock                    held while open (Prometheus's own name: it keeps that out too)
//   <path>/deucalion/format        what was fixed when the directory was made: shards, streams
//   <path>/deucalion/wal/          segments (tsdb/wal)
//   <path>/deucalion/head_chunks/  sealed chunks of the head
//   <path>/deucalion/checkpoint-N  the newest checkpoint of the head, and the one before it
//   <path>/deucalion/catalog/      manifest of blocks, last cut, rule state, cursors (RocksDB)
//   <path>/deucalion/blocks/       our blocks; foreign ones lie in <path> itself
//   <path>/snapshots/              what Snapshot made
//
// A querier pins head and blocks together: a cut makes its block visible and raises the head's
// floor under view_mu_, so that no sample is seen twice or not at all.
#ifndef DEUCALION_TSDB_DB_DB_H_
#define DEUCALION_TSDB_DB_DB_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "tsdb/catalog/catalog.h"
#include "tsdb/db/block_engine.h"
#include "tsdb/db/db_wal_feed.h"
#include "tsdb/db/engine_metrics.h"
#include "tsdb/db/maintenance.h"
#include "tsdb/head/checkpoint.h"
#include "tsdb/head/head.h"
#include "tsdb/head/head_appender.h"
#include "tsdb/head/head_replay.h"
#include "tsdb/interop/prometheus_import.h"
#include "tsdb/storage.h"
#include "tsdb/wal/wal.h"

namespace deucalion::tsdb {

struct DbOptions {
  FileSystem* fs = FileSystem::Posix();
  Clock* clock = Clock::Real();
  Logger* logger = Logger::Null();
  MetricRegistry* metrics = nullptr;       // may be null; must outlive the Db
  std::shared_ptr<ReplayTracker> tracker;  // may be null; may be read while Open runs

  int64_t min_block_range_ms = 2 * 3600 * 1000;
  int64_t max_block_range_ms = 24 * 3600 * 1000;
  StorageSettings settings{.max_exemplars = 100'000};
  wal::Durability durability = wal::Durability::kInterval;
  bool lock_directory = true;
  // What an agent's storage counts is shown under Prometheus's names for that (prometheus_agent_*),
  // too.
  bool agent_metrics = false;

  // Fixed when the directory is created; powers of two.
  uint32_t shards = 16;
  uint32_t wal_streams = 2;
  uint64_t wal_segment_bytes = 32 << 20;
  uint64_t chunk_file_bytes = 32 << 20;
  // Manifest and state are kept in memory and lost at exit: for tests under tsan, which does not
  // know RocksDB's synchronisation.
  bool memory_catalog = false;
  // The background threads: cuts, checkpoints, compaction, retention. Off in tests that call the
  // steps themselves.
  bool background = true;
  // Off for copies that are read and thrown away.
  bool checkpoint_at_close = true;
};

class Db final : public Storage, public StorageAdmin {
 public:
  static Result<std::unique_ptr<Db>> Open(const std::string& path, DbOptions options);
  ~Db() override;

  // ---- Storage ----
  std::unique_ptr<Appender> NewAppender(const AppenderOptions& options) override;
  Result<std::unique_ptr<Querier>> NewQuerier(int64_t min_ms, int64_t max_ms) override;
  int64_t StableHorizonMs() const override { return head_->StableHorizonMs(); }
  uint64_t Generation(int64_t min_ms, int64_t max_ms) const override;
  ExemplarQueryable* exemplars() override { return &head_->exemplars(); }
  WalFeed* wal_feed() override { return wal_feed_.get(); }
  StorageAdmin* admin() override { return this; }
  StateStore* state() override { return catalog_.get(); }
  // Writes a checkpoint, so that the next start has no WAL to replay.
  Status Close() override;

  // ---- StorageAdmin ----
  Result<std::string> Snapshot(bool skip_head) override EXCLUDES(move_mu_);
  Status DeleteSeries(int64_t min_ms, int64_t max_ms, const std::vector<Matcher>& matchers) override
      EXCLUDES(move_mu_);
  Status CleanTombstones() override;
  Result<TsdbStats> Stats(size_t limit) override { return head_->Stats(limit); }
  std::vector<BlockInfo> Blocks() override;
  ReplayProgress replay() const override;
  Status Apply(const StorageSettings& settings) override;
  std::pair<int64_t, int64_t> TimeBounds() override;

  // ---- parts, for cut and compaction and for tests ----
  Head* head() { return head_.get(); }
  wal::Wal* wal() { return wal_.get(); }
  const std::string& path() const { return path_; }
  const DbOptions& options() const { return options_; }
  const ReplayStats& replay_stats() const { return replay_stats_; }
  uint64_t damaged_checkpoints() const { return damaged_checkpoints_; }
  uint64_t damaged_chunks() const { return damaged_chunks_; }
  bool catalog_lost() const { return catalog_lost_; }
  BlockEngine* blocks() { return blocks_.get(); }
  Catalog* catalog() { return catalog_.get(); }

  // ---- background steps; any thread ----

  // Writes a checkpoint and drops what it makes unnecessary.
  Status Checkpoint() EXCLUDES(maintenance_mu_);
  // Frees what lies below the head's floor; waits for older readers.
  void TruncateHead() EXCLUDES(maintenance_mu_);
  // Cuts the head as long as that is due, and takes in foreign blocks.
  Status MaintainHead();
  // One cut, due or not. New blocks become visible and the head's floor rises in one step for
  // readers.
  Status CutHead() EXCLUDES(view_mu_, move_mu_);
  // Moves series that ended from the head into blocks of their own once there are many: what a
  // fleet replaces costs memory for minutes, not until its range is cut.
  Status MoveEndedSeries(size_t fewest = kFewestEnded)
      EXCLUDES(move_mu_, view_mu_, maintenance_mu_);
  // Below, blocks would be many and small.
  static constexpr size_t kFewestEnded = 4'096;
  // Looks for damaged chunks in the head's files; the first MaintainHead does.
  void VerifyHead();
  // One compaction step, or retention when there is none to do; true: call again.
  Result<bool> MaintainBlocks(const CancelToken* cancel, const Maintenance::Throttle& throttle);

 private:
  Db(std::string path, DbOptions options);
  Status Init();
  Status LoadFormat();
  Status OpenBlocks();
  Status OpenHead();
  // db_import.cc: the logs of a Prometheus directory, as blocks. Begun before the head is there,
  // finished behind it.
  Status BeginImport();
  Status FinishImport();
  Result<std::unique_ptr<CheckpointReader>> FindCheckpoint();
  Status RecordCheckpoint(uint64_t number, const CheckpointEnd& end);
  Status ReserveRecordedIds();
  void KeepLabels(const std::vector<Slot>& leaving);
  Status DropCheckpointsBut(uint64_t newest, uint64_t before) REQUIRES(maintenance_mu_);
  bool CheckpointDue() const;
  bool ManyMayHaveEnded() const;
  void Background();
  void RegisterMetrics();
  void CollectMetrics(MetricSink& sink);
  void CollectAgentMetrics(MetricSink& sink);
  std::string OwnPath(std::string_view name) const;

  const std::string path_;
  DbOptions options_;
  std::unique_ptr<FileLock> lock_;
  const EngineMetrics metrics_;
  ScratchPool scratch_;
  std::unique_ptr<Head> head_;
  std::unique_ptr<wal::Wal> wal_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<DbWalFeed> wal_feed_;  // cursors of remote write
  std::unique_ptr<BlockEngine> blocks_;
  std::unique_ptr<PrometheusImport> import_;  // while opening
  ReplayStats replay_stats_;
  uint64_t damaged_checkpoints_ = 0;
  bool new_directory_ = false;
  bool catalog_lost_ = false;
  std::atomic<bool> verified_{false};
  std::atomic<uint64_t> damaged_chunks_{0};
  uint64_t checkpoint_series_ = 0;  // found in the checkpoint at start
  std::shared_ptr<ReplayTracker> tracker_;
  // Held shared while a querier is put together, exclusively while a cut is installed.
  SharedMutex view_mu_;
  Mutex settings_mu_;
  StorageSettings settings_ GUARDED_BY(settings_mu_);
  std::atomic<bool> closed_{false};

  // What moves samples from the head into blocks, deletions and snapshots exclude each other: a
  // deleted sample must not come back with a block that was begun before, nor a snapshot list the
  // blocks before and read the head after.
  Mutex move_mu_;
  // Checkpoints and truncation exclude each other.
  Mutex maintenance_mu_;
  // Series left the head for a block, but the WAL would bring them back.
  std::atomic<bool> moved_since_checkpoint_{false};
  std::atomic<uint64_t> ends_at_move_{0};
  uint64_t checkpoint_number_ GUARDED_BY(maintenance_mu_) = 0;  // largest ever given
  // The newest one that is whole. It stays, and the WAL behind it, when the next one is written: so
  // a damaged checkpoint costs nothing but time.
  uint64_t good_checkpoint_ GUARDED_BY(maintenance_mu_) = 0;
  std::vector<wal::Position> good_positions_ GUARDED_BY(maintenance_mu_);
  uint32_t good_chunk_file_ GUARDED_BY(maintenance_mu_) = UINT32_MAX;  // the oldest it names
  std::atomic<int64_t> checkpoint_ns_{0};                              // when, monotonic
  std::atomic<int64_t> checkpoint_took_ns_{0};
  std::atomic<uint64_t> checkpoint_samples_{0};  // appended then
  std::atomic<uint64_t> checkpoint_wal_bytes_{0};

  Mutex background_mu_;
  CondVar background_wake_;
  bool stopping_ GUARDED_BY(background_mu_) = false;
  std::jthread background_;
  std::unique_ptr<Maintenance> maintenance_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_DB_H_
