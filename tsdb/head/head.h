// Head: the newest hours of every series, in memory.
//
// Series are spread over shards by label hash; labels and postings are in one HeadIndex. Appenders
// (head_appender.h) check samples, write them to the WAL and apply them; queriers (head_querier.h)
// read under the isolation of Isolation. The head owns its memory and the files of sealed chunks;
// the WAL is its owner's and must outlive the appenders.
//
// Locks, in the order they are taken: WAL stream; shard; index; exemplar ring. No two shards at
// once.
#ifndef DEUCALION_TSDB_HEAD_HEAD_H_
#define DEUCALION_TSDB_HEAD_HEAD_H_

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "tsdb/head/change_log.h"
#include "tsdb/head/exemplar_ring.h"
#include "tsdb/head/head_index.h"
#include "tsdb/head/head_shard.h"
#include "tsdb/head/isolation.h"
#include "tsdb/storage/admin.h"
#include "tsdb/storage/appender.h"
#include "tsdb/wal/wal.h"

namespace deucalion::tsdb {

// A sample that passed its checks and waits for the commit.
struct StagedSample {
  uint64_t id = 0;
  Slot slot = 0;
  uint32_t start = 0;  // of its start timestamp, beside the samples, counted from 1; 0: none
  int64_t time_ms = 0;
  double value = 0;
};
struct StagedHistogram {
  uint64_t id = 0;
  Slot slot = 0;
  bool is_float = false;
  int64_t time_ms = 0;
  int64_t st_ms = 0;
  std::string bytes;  // histogram_bytes.h
};

// A series that gets no more samples, as MarkEnded found it.
struct EndedSeries {
  Slot slot = 0;
  uint64_t id = 0;
  int64_t last_ms = 0;
};

// Where the head's memory lies, in bytes.
struct HeadMemory {
  uint64_t records = 0;        // of series, free ones included
  uint64_t series_map = 0;     // label hash to series
  uint64_t chunks = 0;         // open chunks, and where the sealed ones are
  uint64_t chunks_unused = 0;  // room in their pages
  uint64_t labels = 0;
  uint64_t labels_unused = 0;
  uint64_t pairs = 0;  // what is kept per label pair and name
  uint64_t postings = 0;

  uint64_t total() const {
    return records + series_map + chunks + chunks_unused + labels + labels_unused + pairs +
           postings;
  }
};

// Counters of what came in; relaxed. Of refused samples: [0] floats, [1] histograms.
struct HeadCounters {
  std::atomic<uint64_t> samples{0};
  std::atomic<uint64_t> histogram_samples{0};
  std::atomic<uint64_t> out_of_order[2]{};
  std::atomic<uint64_t> out_of_bounds[2]{};
  std::atomic<uint64_t> too_old[2]{};
  std::atomic<uint64_t> late{0};  // taken into the out-of-order window
  std::atomic<uint64_t> series_created{0};
  std::atomic<uint64_t> series_removed{0};
  std::atomic<uint64_t> series_ended{0};  // stale markers of floats; a series may come back
  std::atomic<uint64_t> exemplars{0};
  std::atomic<uint64_t> exemplars_out_of_order{0};
  std::atomic<uint64_t> series_not_found{0};
};

class Head {
 public:
  struct Options {
    FileSystem* fs = nullptr;
    std::string chunks_dir;
    uint32_t shards = 16;  // powers of two, fixed for a data directory
    uint32_t streams = 2;
    int64_t block_range_ms = 2 * 3600 * 1000;
    int64_t out_of_order_window_ms = 0;
    size_t max_exemplars = 100'000;
    uint32_t keep_chunk_files_below = 0;  // of a checkpoint
    uint64_t chunk_file_bytes = 32 << 20;
  };
  static Result<std::unique_ptr<Head>> Open(Options options);
  ~Head();

  const Options& options() const { return options_; }

  // ---- series ----

  uint32_t ShardOfHash(uint64_t hash) const {
    return shard_bits_ == 0 ? 0 : static_cast<uint32_t>(hash >> (64 - shard_bits_));
  }
  uint32_t StreamOfShard(uint32_t shard) const { return shard & (options_.streams - 1); }
  uint32_t StreamOfId(uint64_t id) const {
    return static_cast<uint32_t>(id) & (options_.streams - 1);
  }
  static SeriesRef RefOf(Slot slot, uint64_t id) { return id << 32 | slot; }
  // The live record of `ref` and its id, null when it has left. Lock-free; the caller is pinned.
  SeriesRecord* Resolve(SeriesRef ref, uint64_t* id) const;
  // 0 = none. Both need a pin.
  SeriesRef Find(LabelsView labels, uint64_t hash, SeriesRef hint);
  // `id` 0 takes the next one.
  Result<SeriesRef> FindOrCreate(LabelsView labels, uint64_t hash, uint64_t id = 0);

  // ---- commits ----

  // Applies what a commit staged: samples must be in the WAL. Grouped by shard inside.
  struct Applied {
    // In order when they were given, not any more: indexes of them, and whether it was another
    // appender that came first (else it was this commit itself). A time that is there already is
    // not among them.
    struct Overtaken {
      uint32_t index;
      bool by_another;
    };
    std::vector<Overtaken> overtaken;
    uint64_t dropped = 0;  // those, and those whose time is there already
    int64_t min_ms = kMaxTimeMs;
    int64_t max_ms = kMinTimeMs;
  };
  // `starts` is what StagedSample::start counts in.
  void ApplySamples(uint64_t commit, std::span<const StagedSample> samples,
                    std::span<const int64_t> starts, Applied* applied);
  void ApplyHistograms(uint64_t commit, std::span<const StagedHistogram> samples, Applied* applied);
  void ApplyLate(uint64_t commit, std::span<const StagedSample> samples,
                 std::span<const int64_t> starts, Applied* applied);
  void ApplyLateHistograms(uint64_t commit, std::span<const StagedHistogram> samples,
                           Applied* applied);
  void SetMetadata(Slot slot, uint64_t id, const Metadata& metadata);
  void AddDeletion(Slot slot, uint64_t id, TimeInterval interval);
  // Widens the head's time range. Before Publish.
  void Widen(const Applied& applied);

  // ---- time ----

  // Newest and oldest committed sample, kMinTimeMs / kMaxTimeMs when there is none.
  int64_t max_ms() const { return max_ms_.load(std::memory_order_acquire); }
  int64_t min_ms() const { return min_ms_.load(std::memory_order_acquire); }
  // Samples below have been cut into blocks: readers do not see them here.
  int64_t floor_ms() const { return floor_ms_.load(std::memory_order_acquire); }
  // In-order samples are taken from here on.
  int64_t MinValidMs() const;
  // No sample below comes in without an entry in changes().
  int64_t StableHorizonMs() const;
  int64_t out_of_order_window_ms() const { return ooo_window_ms_.load(std::memory_order_relaxed); }
  void SetOutOfOrderWindow(int64_t ms);

  // Of a checkpoint.
  void RestoreTimes(int64_t floor_ms, int64_t min_ms, int64_t max_ms);

  // ---- cut ----

  // From when this returns on, no sample below `cut_ms` comes in in order, and all that did are
  // applied.
  void RaiseMinValid(int64_t cut_ms);
  // Readers made from now on see no in-order sample below. Late samples below `late_below_ms` of
  // commits up to `late_watermark` are in a block too and go with the next Truncate; others stay.
  void SetFloor(int64_t cut_ms, uint64_t late_watermark, int64_t late_below_ms);
  // Starts (multiples of `range_ms`) of the ranges below `below_ms` in which late samples lie.
  std::set<int64_t> LateRanges(int64_t range_ms, int64_t below_ms);
  // Late samples that no cut has taken yet; a histogram counts as what it weighs. A checkpoint that
  // restores some counts them.
  void CountLate(uint64_t n) { late_samples_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t late_samples() const { return late_samples_.load(std::memory_order_relaxed); }
  static uint64_t LateWeight(const LateHistogram& h) { return 1 + h.bytes.size() / 32; }
  // Frees samples below the floor and series that have nothing left. Waits for readers that were
  // there before the floor rose. `leaving`, if any, is told the series that are about to go, while
  // they are still there.
  void Truncate(const std::function<void(const std::vector<Slot>&)>& leaving = {});

  // Files of sealed chunks from this one on stay, whether a series has chunks in them or not: a
  // checkpoint names them.
  void KeepChunkFilesFrom(uint32_t number) {
    keep_chunk_files_from_.store(number, std::memory_order_relaxed);
  }
  // Reads every sealed chunk that is on disk, and forgets those that are not what was written:
  // readers and cuts would fail on them for ever. Returns how many.
  uint64_t DropDamagedChunks();

  // ---- series that ended ----

  // Series whose newest sample is a stale marker at or before `stale_ms`, or lies below
  // MinValidMs(). When the appenders of that moment are gone, all their samples are visible.
  std::vector<EndedSeries> MarkEnded(int64_t stale_ms);
  // Removes those that nobody has touched since they were marked; returns how many. All their
  // samples must be in blocks that new readers see. Waits for older readers.
  size_t RemoveEnded(const std::vector<EndedSeries>& ended);

  // Gives memory back to the system that was free since the last call. From time to time.
  void TrimMemory();

  // ---- parts, for appenders, queriers, replay and checkpoints ----

  SeriesSlabs& slabs() { return slabs_; }
  HeadIndex& index() { return index_; }
  Shard& shard(uint32_t i) { return *shards_[i]; }
  uint32_t num_shards() const { return options_.shards; }
  SealedChunks& sealed() { return *sealed_; }
  const Arena& chunk_arena() const { return arena_; }
  Isolation& isolation() { return isolation_; }
  // Whoever holds slots, labels or chunks: appenders and readers.
  EpochPins& pins() { return pins_; }
  // Appenders alone.
  EpochPins& appender_pins() { return appender_pins_; }
  ExemplarRing& exemplars() { return exemplars_; }
  // Of samples below the horizon.
  ChangeLog& changes() { return changes_; }
  const ChangeLog& changes() const { return changes_; }
  HeadCounters& counters() { return counters_; }
  const HeadCounters& counters() const { return counters_; }
  // Ids are never reused: makes the next id of each stream larger than `id`.
  void ReserveId(uint64_t id);
  // Per stream, in units of the number of streams.
  std::vector<uint64_t> NextIds() const;
  // A series out of a checkpoint, into an empty head. `fill` sets the record under the shard's
  // lock.
  Result<Slot> RestoreSeries(uint32_t shard, uint64_t id, uint32_t tag,
                             std::span<const uint32_t> pairs,
                             const std::function<Status(Shard*, Slot, SeriesRecord*)>& fill);

  uint64_t num_series() const { return num_series_.load(std::memory_order_relaxed); }
  ChunkCounts Chunks() const;
  uint64_t num_chunks() const {
    const ChunkCounts counts = Chunks();
    return counts.made - counts.gone;
  }
  Result<TsdbStats> Stats(size_t limit);
  HeadMemory Memory() const;

 private:
  explicit Head(Options options);
  Result<Slot> AllocSlot(Shard* shard, uint32_t shard_number) REQUIRES(shard->mu);
  void BeginCommitOn(Shard* shard, Slot slot, SeriesRecord* r, uint64_t commit,
                     const std::vector<uint64_t>& watermarks) REQUIRES(shard->mu);
  void SealHistograms(Shard* shard, Slot slot, SeriesRecord* r) REQUIRES(shard->mu);
  static void NoteStart(Shard* shard, Slot slot, SeriesRecord* r, int64_t time_ms, int64_t st_ms)
      REQUIRES(shard->mu);
  bool HasNothingFrom(const Shard& shard, Slot slot, const SeriesRecord& r, int64_t cut_ms) const
      REQUIRES(shard.mu);
  void DropSamples(Shard* shard, int64_t cut_ms);
  std::vector<Slot> FindLeaving(int64_t cut_ms);
  void RemoveLeaving(Shard* shard, int64_t cut_ms, std::vector<Slot>* gone);
  void RemoveFrom(Shard* shard, Slot slot) REQUIRES(shard->mu);
  void Forget(std::vector<Slot> gone);
  void DropChunkFiles();

  const Options options_;
  const uint32_t shard_bits_;
  SeriesSlabs slabs_;
  HeadIndex index_;
  Arena arena_;  // chunks and sealed lists
  std::unique_ptr<SealedChunks> sealed_;
  std::vector<std::unique_ptr<Shard>> shards_;
  Isolation isolation_;
  EpochPins pins_;
  EpochPins appender_pins_;
  ExemplarRing exemplars_;
  ChangeLog changes_;
  HeadCounters counters_;
  std::vector<std::atomic<uint64_t>> next_id_;  // per stream, in units of streams
  std::atomic<uint64_t> num_series_{0};
  std::atomic<int64_t> max_ms_{kMinTimeMs};
  std::atomic<int64_t> min_ms_{kMaxTimeMs};
  std::atomic<int64_t> min_valid_ms_{kMinTimeMs};
  std::atomic<int64_t> floor_ms_{kMinTimeMs};
  std::atomic<uint32_t> keep_chunk_files_from_{UINT32_MAX};
  std::atomic<uint64_t> late_watermark_{0};
  std::atomic<int64_t> late_below_ms_{kMinTimeMs};
  std::atomic<uint64_t> late_samples_{0};
  std::atomic<int64_t> ooo_window_ms_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_HEAD_H_
