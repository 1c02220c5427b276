#include "tsdb/db/block_engine.h"

#include <algorithm>

#include "base/bytes.h"
#include "tsdb/compact/planner.h"
#include "tsdb/compact/retention.h"
#include "tsdb/head/head_querier.h"
#include "tsdb/index/matcher_select.h"
#include "tsdb/interop/prometheus_block.h"

namespace deucalion::tsdb {
namespace {

// Catalogue key in keyspace kCheckpoint: svarint cut_ms, varint streams, varint segment and offset
// each.
constexpr std::string_view kCutKey = "cut";

// 24 bytes each: late samples are flushed when they take 32 MiB.
constexpr uint64_t kMaxLateSamples = (32 << 20) / 24;

std::string EncodePositions(const std::vector<wal::Position>& positions) {
  std::string out;
  PutVarint(&out, positions.size());
  for (const wal::Position& p : positions) {
    PutVarint(&out, p.segment);
    PutVarint(&out, p.offset);
  }
  return out;
}

bool DecodePositions(ByteReader* in, std::vector<wal::Position>* positions) {
  const uint64_t count = in->Varint();
  if (count > in->remaining()) return false;
  positions->resize(count);
  for (wal::Position& p : *positions) {
    p.segment = static_cast<uint32_t>(in->Varint());
    p.offset = in->Varint();
  }
  return in->ok() && in->done();
}

int64_t FloorTo(int64_t ms, int64_t range) {
  const int64_t rest = ms % range;
  return ms - (rest < 0 ? rest + range : rest);
}

// Late samples may lie below the floor; they do not count here.
int64_t OldestInOrder(const Head& head) { return std::max(head.min_ms(), head.floor_ms()); }

bool Overlap(std::vector<BlockMeta> metas) {
  std::ranges::sort(metas, {}, &BlockMeta::min_ms);
  for (size_t i = 1; i < metas.size(); i++) {
    if (metas[i].min_ms < metas[i - 1].max_ms) return true;
  }
  return false;
}

// Whether the in-order samples span one and a half ranges.
bool SpansEnough(const Head& head, int64_t range_ms) {
  return head.max_ms() != kMinTimeMs && OldestInOrder(head) != kMaxTimeMs &&
         head.max_ms() - OldestInOrder(head) > range_ms / 2 * 3;
}

}  // namespace

Result<std::unique_ptr<BlockEngine>> BlockEngine::Open(const BlockEngineOptions& options,
                                                       Catalog* catalog, bool rebuild) {
  std::unique_ptr<BlockEngine> engine(new BlockEngine(options, catalog));
  ASSIGN_OR_RETURN(engine->store_, BlockStore::Open({.fs = options.fs,
                                                     .root = options.root,
                                                     .blocks_dir = options.blocks_dir,
                                                     .log = options.logger,
                                                     .open_foreign = OpenPrometheusBlock},
                                                    catalog, rebuild));
  return engine;
}

Result<CutState> BlockEngine::LastCut() const {
  CutState state;
  const auto record = catalog_->Get(Keyspace::kCheckpoint, kCutKey);
  if (record.ok()) {
    ByteReader in(*record);
    state.cut_ms = in.SignedVarint();
    if (!DecodePositions(&in, &state.positions)) {
      return CorruptError("catalog: the position of the last cut does not decode");
    }
    return state;
  }
  if (record.status().code() != StatusCode::kNotFound) return record.status();
  const auto list = List();
  for (const auto& block : *list) {
    const BlockMeta& meta = block->meta();
    if (!meta.head_cut || meta.cut_ms <= state.cut_ms) continue;
    // A block restored from another directory's snapshot knows positions in that one's WAL.
    if (DirName(block->dir()) != options_.blocks_dir) continue;
    ByteReader in(meta.cut_positions);
    CutState found{.cut_ms = meta.cut_ms};
    if (DecodePositions(&in, &found.positions)) state = std::move(found);
  }
  return state;
}

int64_t BlockEngine::NewestForeignMs() const {
  int64_t newest_ms = kMinTimeMs;
  const auto list = List();
  for (const auto& block : *list) {
    const BlockMeta& meta = block->meta();
    if (!meta.head_cut && !meta.FromEndedSeries()) newest_ms = std::max(newest_ms, meta.max_ms);
  }
  return newest_ms;
}

// ---- cut ----

BlockMeta BlockEngine::NewMeta(int64_t min_ms, int64_t max_ms) const {
  BlockMeta meta;
  meta.ulid = NewUlid(options_.clock->NowMs());
  meta.min_ms = min_ms;
  meta.max_ms = max_ms;
  meta.sources = {meta.ulid};
  return meta;
}

BlockJob BlockEngine::JobFor(const std::string& ulid, const CancelToken* cancel) const {
  return {.fs = options_.fs,
          .dir = store_->CreationDir(ulid),
          .options = {},
          .cancel = cancel,
          .throttle = {}};
}

bool BlockEngine::CutIsDue(const Head& head) const {
  if (head.late_samples() > kMaxLateSamples) return true;
  return SpansEnough(head, options_.min_range_ms);
}

Status BlockEngine::WriteHeadRange(Head* head, int64_t min_ms, int64_t max_ms, bool late_only,
                                   BlockMeta meta, const std::string& dir,
                                   const CancelToken* cancel,
                                   std::vector<BlockMeta>* written) const {
  HeadQuerier querier(head, min_ms, max_ms - 1, late_only);
  ASSIGN_OR_RETURN(const auto set,
                   querier.Select(true, {.min_ms = min_ms, .max_ms = max_ms - 1}, {}, cancel));
  return WriteSet(*set, std::move(meta), dir, cancel, written);
}

Status BlockEngine::WriteSet(SeriesSet& set, BlockMeta meta, const std::string& dir,
                             const CancelToken* cancel, std::vector<BlockMeta>* written) const {
  BlockJob job = JobFor(meta.ulid, cancel);
  job.dir = dir;
  if (meta.head_cut) job.options.metrics = &options_.metrics->cut_slices;
  const CountedIn writing(options_.metrics->writing_blocks);
  ASSIGN_OR_RETURN(BlockMeta finished, WriteBlock(set, std::move(meta), job));
  if (finished.series > 0) written->push_back(std::move(finished));
  return OkStatus();
}

// The barrier: once no appender is left that checked against the old bound, every in-order sample
// below the cut lies before the positions and is visible; so is every late one before them.
Status BlockEngine::Cut(Head* head, wal::Wal* wal, const Installer& install) {
  MutexLock lock(cut_mu_);
  const ObservedTime compaction(options_.metrics->compaction_seconds);
  const int64_t range = options_.min_range_ms;
  const int64_t floor = head->floor_ms(), oldest = OldestInOrder(*head);
  const bool in_order = SpansEnough(*head, range);
  const int64_t begin = in_order ? FloorTo(oldest, range) : floor;
  const int64_t cut_ms = in_order ? begin + range : floor;
  if (in_order) head->RaiseMinValid(cut_ms);
  const std::vector<wal::Position> positions = wal->Ends();
  head->pins().WaitForPresent();
  const uint64_t late_watermark = head->isolation().watermark();

  const std::string encoded = EncodePositions(positions);
  std::vector<BlockMeta> written;
  const auto write = [&](int64_t min_ms, int64_t max_ms, bool late) {
    BlockMeta meta = NewMeta(min_ms, max_ms);
    meta.head_cut = true;
    meta.cut_ms = cut_ms;
    meta.cut_positions = encoded;
    if (late) meta.hints = {"from-out-of-order"};
    const std::string dir = store_->CreationDir(meta.ulid);
    return WriteHeadRange(head, min_ms, max_ms, late, std::move(meta), dir, nullptr, &written);
  };
  // Those within the range that is cut go with it.
  const int64_t late_end_ms = in_order ? begin : kMaxTimeMs;
  Status status;
  for (const int64_t start : head->LateRanges(range, late_end_ms)) {
    if (status.ok()) status = write(start, std::min(start + range, late_end_ms), true);
  }
  if (status.ok() && in_order) {
    // A range may be cut in two parts (its length changed, a snapshot): they must not overlap.
    status = write(std::max(oldest, begin), cut_ms, false);
  }
  if (status.ok()) {
    CatalogBatch extra;
    std::string record;
    PutSignedVarint(&record, cut_ms);
    record += encoded;
    extra.Put(Keyspace::kCheckpoint, kCutKey, record);
    status = install(cut_ms, late_watermark, in_order ? cut_ms : kMaxTimeMs,
                     [&] { return store_->Commit(written, {}, extra); });
  }
  if (!status.ok()) {
    ++counters_.cuts_failed;
    return status.WithContext("cutting the head");
  }
  ++counters_.cuts;
  uint64_t samples = 0;
  for (const BlockMeta& meta : written) samples += meta.samples;
  options_.logger->Info("Head cut into blocks", {{"component", "tsdb"},
                                                 {"blocks", written.size()},
                                                 {"samples", samples},
                                                 {"cut_ms", cut_ms},
                                                 {"series", head->num_series()}});
  return OkStatus();
}

// The head keeps what it has until readers see the blocks, and a start replays it once more: these
// samples may be in both for a while, and readers take each once.
Status BlockEngine::WriteEnded(
    Head* head, const std::vector<EndedSeries>& ended,
    const std::function<Status(const std::function<Status()>& commit)>& install) {
  MutexLock lock(cut_mu_);
  const int64_t range = options_.min_range_ms, oldest = OldestInOrder(*head);
  int64_t newest = kMinTimeMs;
  std::vector<Slot> slots;
  for (const EndedSeries& e : ended) {
    slots.push_back(e.slot);
    newest = std::max(newest, e.last_ms);
  }
  std::vector<BlockMeta> written;
  Status status;
  for (int64_t start = FloorTo(oldest, range); status.ok() && start <= newest; start += range) {
    BlockMeta meta = NewMeta(std::max(start, oldest), std::min(start + range, newest + 1));
    meta.hints = {std::string(kFromEndedSeries)};
    const HeadQuerier querier(head, meta.min_ms, meta.max_ms - 1);
    const std::string dir = store_->CreationDir(meta.ulid);
    status = WriteSet(*querier.SetOf(slots, nullptr), std::move(meta), dir, nullptr, &written);
  }
  if (status.ok() && !written.empty()) {
    status = install([&] { return store_->Commit(written, {}, {}); });
  }
  if (!status.ok()) return status.WithContext("writing series that ended");
  options_.logger->Info("Series that ended moved from the head into blocks",
                        {{"component", "tsdb"},
                         {"series", ended.size()},
                         {"blocks", written.size()},
                         {"head_series", head->num_series()}});
  return OkStatus();
}

// ---- blocks ----

Status BlockEngine::Merge(const std::vector<std::string>& ulids, const std::string& reason,
                          const CancelToken* cancel,
                          const std::function<void(uint64_t)>& throttle) {
  BlockList parents;
  std::vector<BlockMeta> metas;
  std::vector<RemovedBlock> removed;
  const auto list = List();
  for (const auto& block : *list) {
    const std::string& ulid = block->meta().ulid;
    if (std::find(ulids.begin(), ulids.end(), ulid) == ulids.end()) continue;
    parents.push_back(block);
    metas.push_back(block->meta());
    removed.push_back({ulid, block->tombstones()});
  }
  const int64_t begin_ns = options_.clock->MonotonicNs();
  const ObservedTime compaction(options_.metrics->compaction_seconds);
  const CountedIn writing(options_.metrics->writing_blocks);
  BlockJob job = JobFor(NewUlid(options_.clock->NowMs()), cancel);
  const BlockMeta wanted =
      MergedMeta(metas, BaseName(job.dir.substr(0, job.dir.size() - kCreationSuffix.size())));
  job.options.segments.zstd_level = 3;
  job.throttle = throttle;
  Result<BlockMeta> meta = MergeBlocks(parents, wanted, job);
  if (!meta.ok()) {
    (void)options_.fs->RemoveAll(job.dir);
    return meta.status();
  }
  std::vector<BlockMeta> added;
  if (meta->series > 0) added.push_back(*meta);
  RETURN_IF_ERROR(store_->Commit(added, removed, {}));
  ++counters_.compactions;
  if (Overlap(metas)) Count(options_.metrics->vertical_compactions);
  options_.logger->Info("Blocks compacted",
                        {{"component", "tsdb"},
                         {"reason", reason},
                         {"parents", parents.size()},
                         {"samples", meta->samples},
                         {"bytes", meta->SizeBytes()},
                         {"duration_ms", (options_.clock->MonotonicNs() - begin_ns) / 1'000'000}});
  return OkStatus();
}

Result<bool> BlockEngine::CompactOnce(const CancelToken* cancel,
                                      const std::function<void(uint64_t)>& throttle) {
  MutexLock lock(compact_mu_);
  std::vector<PlannedBlock> blocks;
  const auto list = List();
  for (const auto& block : *list) {
    blocks.push_back({.meta = block->meta(), .tombstones = block->tombstones()->all().size()});
  }
  const CompactionPlan plan =
      PlanCompaction(blocks, CompactionRanges(options_.min_range_ms, options_.max_range_ms));
  if (plan.empty()) return false;
  Status status = Merge(plan.ulids, plan.reason, cancel, throttle);
  // Deleted from meanwhile: the next round applies that too.
  if (status.code() == StatusCode::kUnavailable) return true;
  if (!status.ok()) {
    if (status.code() != StatusCode::kCanceled) ++counters_.compactions_failed;
    return status.WithContext("compacting blocks");
  }
  return true;
}

Status BlockEngine::ApplyRetention(const StorageSettings& settings, uint64_t other_bytes) {
  MutexLock lock(compact_mu_);
  std::vector<RetainedBlock> blocks;
  const auto list = List();
  for (const auto& block : *list) {
    blocks.push_back({block->meta().ulid, block->meta().max_ms, block->SizeBytes()});
  }
  uint64_t disk_bytes = 0;
  if (settings.retention_percent > 0) {
    ASSIGN_OR_RETURN(const DiskSpace space, options_.fs->Space(options_.root));
    disk_bytes = space.total_bytes;
  }
  const RetentionDrop drop = PlanRetention(std::move(blocks), settings, other_bytes, disk_bytes);
  std::vector<RemovedBlock> removed;
  for (const std::string& ulid : drop.by_time) removed.push_back({ulid, nullptr});
  for (const std::string& ulid : drop.by_size) removed.push_back({ulid, nullptr});
  if (removed.empty()) return OkStatus();
  RETURN_IF_ERROR(store_->Commit({}, removed, {}).WithContext("dropping old blocks"));
  counters_.dropped_by_time += drop.by_time.size();
  counters_.dropped_by_size += drop.by_size.size();
  options_.logger->Info(
      "Old blocks dropped",
      {{"component", "tsdb"}, {"by_time", drop.by_time.size()}, {"by_size", drop.by_size.size()}});
  return OkStatus();
}

Status BlockEngine::DeleteSeries(int64_t min_ms, int64_t max_ms,
                                 const std::vector<Matcher>& matchers) {
  MutexLock lock(delete_mu_);
  // A compaction that ends in between takes a block away: then what is left is looked at again.
  for (int attempt = 0;; ++attempt) {
    std::vector<std::pair<std::string, Tombstones>> changed;
    const auto list = List();
    for (const auto& block : *list) {
      if (!block->OverlapsRange(min_ms, max_ms)) continue;
      ASSIGN_OR_RETURN(const Postings series, block->Select(matchers, min_ms, max_ms, nullptr));
      if (series.empty()) continue;
      Tombstones deleted = *block->tombstones();
      for (const SeriesNumber n : series.view()) deleted.Add(n, {min_ms, max_ms});
      changed.emplace_back(block->meta().ulid, std::move(deleted));
    }
    if (changed.empty()) return OkStatus();
    Status status = store_->SetTombstones(changed);
    if (status.code() != StatusCode::kNotFound || attempt == 5) return status;
  }
}

Status BlockEngine::CleanTombstones(const CancelToken* cancel) {
  MutexLock lock(compact_mu_);
  const ObservedTime cleanup(options_.metrics->tombstone_cleanup_seconds);
  const auto list = List();
  for (const auto& block : *list) {
    if (block->tombstones()->empty()) continue;
    RETURN_IF_ERROR(Merge({block->meta().ulid}, "clean tombstones", cancel, {}));
  }
  return OkStatus();
}

// ---- snapshot ----

Status BlockEngine::SnapshotBlock(const Block& block, const std::string& dir) const {
  RETURN_IF_ERROR(options_.fs->CreateDirs(dir));
  const auto link = [&](const std::string& name) -> Status {
    const std::string to = JoinPath(dir, name);
    RETURN_IF_ERROR(options_.fs->CreateDirs(DirName(to)));
    return options_.fs->HardLink(JoinPath(block.dir(), name), to);
  };
  ASSIGN_OR_RETURN(const auto names, options_.fs->List(block.dir()));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const FileInfo info, options_.fs->Stat(JoinPath(block.dir(), name)));
    if (!info.is_directory) {
      RETURN_IF_ERROR(link(name));
      continue;
    }
    ASSIGN_OR_RETURN(const auto inner, options_.fs->List(JoinPath(block.dir(), name)));
    for (const std::string& file : inner) RETURN_IF_ERROR(link(JoinPath(name, file)));
    RETURN_IF_ERROR(options_.fs->SyncDir(JoinPath(dir, name)));
  }
  return options_.fs->SyncDir(dir);
}

Status BlockEngine::Snapshot(const std::string& dir, Head* head, const CancelToken* cancel) {
  MutexLock lock(compact_mu_);
  const std::string making = dir + std::string(kCreationSuffix);
  RETURN_IF_ERROR(options_.fs->RemoveAll(making));
  RETURN_IF_ERROR(options_.fs->CreateDirs(making));
  const auto list = List();
  for (const auto& block : *list) {
    const std::string to = JoinPath(making, block->meta().ulid);
    if (block->tombstones()->empty()) {
      RETURN_IF_ERROR(SnapshotBlock(*block, to));
      continue;
    }
    // A snapshot has no catalogue: deletions are applied on the way.
    BlockMeta meta = block->meta();
    BlockJob job = JobFor(meta.ulid, cancel);
    job.dir = to;
    RETURN_IF_ERROR(MergeBlocks({block}, std::move(meta), job).status());
  }
  if (head != nullptr && head->max_ms() != kMinTimeMs) {
    const int64_t range = options_.min_range_ms;
    const int64_t newest_ms = head->max_ms();
    std::set<int64_t> starts = head->LateRanges(range, kMaxTimeMs);
    const int64_t oldest = std::max(head->min_ms(), head->floor_ms());
    for (int64_t t = FloorTo(oldest, range); t <= newest_ms; t += range) starts.insert(t);
    std::vector<BlockMeta> written;
    for (const int64_t start : starts) {
      // Not beyond the newest sample: whoever opens the snapshot goes on behind it.
      const int64_t end = std::min(start + range, newest_ms + 1);
      BlockMeta meta = NewMeta(start, end);
      const std::string to = JoinPath(making, meta.ulid);
      RETURN_IF_ERROR(
          WriteHeadRange(head, start, end, false, std::move(meta), to, cancel, &written));
    }
  }
  RETURN_IF_ERROR(options_.fs->SyncDir(making));
  RETURN_IF_ERROR(options_.fs->Rename(making, dir));
  return options_.fs->SyncDir(DirName(dir));
}

// ---- statistics ----

std::vector<BlockInfo> BlockEngine::Infos() const {
  std::vector<BlockInfo> infos;
  const auto list = List();
  for (const auto& block : *list) {
    const BlockMeta& m = block->meta();
    BlockInfo& info = infos.emplace_back();
    info = {.id = m.ulid,
            .min_ms = m.min_ms,
            .max_ms = m.max_ms,
            .samples = m.samples,
            .float_samples = m.float_samples,
            .histogram_samples = m.histogram_samples,
            .series = m.series,
            .chunks = m.chunks,
            .tombstones = block->tombstones()->size(),
            .size_bytes = block->SizeBytes(),
            .level = m.level,
            .sources = m.sources,
            .hints = m.hints,
            .parents = {},
            .failed = m.failed};
    for (const BlockParent& p : m.parents) {
      info.parents.push_back({.id = p.ulid, .min_ms = p.min_ms, .max_ms = p.max_ms});
    }
  }
  return infos;
}

std::pair<int64_t, int64_t> BlockEngine::TimeBounds() const {
  std::pair<int64_t, int64_t> bounds{kMaxTimeMs, kMinTimeMs};
  const auto list = List();
  for (const auto& block : *list) {
    bounds.first = std::min(bounds.first, block->meta().min_ms);
    bounds.second = std::max(bounds.second, block->meta().max_ms - 1);
  }
  return bounds;
}

uint64_t BlockEngine::SizeBytes() const {
  uint64_t bytes = 0;
  const auto list = List();
  for (const auto& block : *list) bytes += block->SizeBytes();
  return bytes;
}

}  // namespace deucalion::tsdb
