#include "tsdb/db/db.h"

#include <fmt/core.h>

#include <charconv>

#include "model/duration.h"
#include "tsdb/block/merged_querier.h"
#include "tsdb/head/head_querier.h"

namespace deucalion::tsdb {
namespace {

constexpr std::string_view kOwnDir = "deucalion";
constexpr int kFormatVersion = 1;
// After a stale marker a series may come back with the next scrape, or the one after it: it stays
// for two at the usual distance of a minute.
constexpr int64_t kEndedForMs = 2 * 60 * 1000;
// Series that ended leave when they are this part of those that live: a bound for memory, and few
// enough blocks.
constexpr uint64_t kShareOfLive = 8;

}  // namespace

Db::Db(std::string path, DbOptions options)
    : path_(std::move(path)),
      options_(std::move(options)),
      metrics_(options_.metrics),
      tracker_(options_.tracker) {
  if (tracker_ == nullptr) tracker_ = std::make_shared<ReplayTracker>();
}

Db::~Db() {
  (void)Close();
  if (options_.metrics != nullptr) options_.metrics->RemoveCollectors(this);
}

std::string Db::OwnPath(std::string_view name) const {
  const std::string own = JoinPath(path_, kOwnDir);
  return name.empty() ? own : JoinPath(own, name);
}

Result<std::unique_ptr<Db>> Db::Open(const std::string& path, DbOptions options) {
  std::unique_ptr<Db> db(new Db(path, std::move(options)));
  Status status = db->Init();
  if (!status.ok()) return status.WithContext("opening storage failed");
  return db;
}

Status Db::Init() {
  RETURN_IF_ERROR(options_.fs->CreateDirs(JoinPath(path_, kOwnDir)));
  if (options_.lock_directory) {
    auto lock = options_.fs->Lock(JoinPath(path_, "lock"));
    if (!lock.ok()) return lock.TakeStatus().WithContext("lock DB directory");
    lock_ = *std::move(lock);
  }
  RETURN_IF_ERROR(LoadFormat());
  RETURN_IF_ERROR(OpenBlocks());
  RETURN_IF_ERROR(BeginImport());
  RETURN_IF_ERROR(OpenHead());
  RETURN_IF_ERROR(FinishImport());
  wal_feed_ = std::make_unique<DbWalFeed>(options_.fs, options_.clock, options_.logger, head_.get(),
                                          wal_.get(), catalog_.get());
  RegisterMetrics();
  checkpoint_ns_ = options_.clock->MonotonicNs();
  if (options_.background) {
    maintenance_ = std::make_unique<Maintenance>(
        options_.logger, [this] { return MaintainHead(); },
        [this](const CancelToken* cancel, const Maintenance::Throttle& throttle) {
          return MaintainBlocks(cancel, throttle);
        });
    background_ = std::jthread([this] { Background(); });
  }
  return OkStatus();
}

// Shards and streams decide where a series' data lies: they are what the directory was made with.
Status Db::LoadFormat() {
  const std::string file = OwnPath("format");
  Result<std::string> text = options_.fs->ReadFile(file);
  if (text.status().code() == StatusCode::kNotFound) {
    new_directory_ = true;
    return options_.fs->WriteFileAtomically(
        file, fmt::format("version {}\nshards {}\nwal_streams {}\n", kFormatVersion,
                          options_.shards, options_.wal_streams));
  }
  RETURN_IF_ERROR(text.TakeStatus());
  int version = 0;
  const int fields = std::sscanf(text->c_str(), "version %d\nshards %u\nwal_streams %u\n", &version,
                                 &options_.shards, &options_.wal_streams);
  if (fields != 3) return CorruptError(file + " does not say version, shards and wal_streams");
  if (version != kFormatVersion) {
    return UnimplementedError(
        fmt::format("{}: format version {} is not supported yet; this server "
                    "writes {}",
                    file, version, kFormatVersion));
  }
  return OkStatus();
}

Status Db::OpenBlocks() {
  bool fresh = false;
  if (options_.memory_catalog) {
    catalog_ = Catalog::InMemory();
    fresh = true;
  } else {
    ASSIGN_OR_RETURN(
        catalog_, Catalog::OpenOrRebuild(options_.fs, OwnPath("catalog"), options_.logger, &fresh));
  }
  catalog_lost_ = fresh && !new_directory_ && !options_.memory_catalog;
  if (catalog_lost_) {
    options_.logger->Error(
        "The catalogue was lost; it is rebuilt from blocks, checkpoint and WAL. Rule states and "
        "remote-write positions begin anew, and deletions that no compaction has carried out yet "
        "are undone",
        {{"dir", OwnPath("catalog")}});
  }
  ASSIGN_OR_RETURN(blocks_, BlockEngine::Open({.fs = options_.fs,
                                               .clock = options_.clock,
                                               .logger = options_.logger,
                                               .root = path_,
                                               .blocks_dir = OwnPath("blocks"),
                                               .min_range_ms = options_.min_block_range_ms,
                                               .max_range_ms = options_.max_block_range_ms,
                                               .metrics = &metrics_},
                                              catalog_.get(), fresh));
  MutexLock lock(settings_mu_);
  settings_ = options_.settings;
  return OkStatus();
}

Status Db::OpenHead() {
  const std::string wal_dir = OwnPath("wal");
  RETURN_IF_ERROR(options_.fs->CreateDirs(wal_dir));
  const int64_t begin_ns = options_.clock->MonotonicNs();
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckpointReader> checkpoint, FindCheckpoint());
  ASSIGN_OR_RETURN(head_,
                   Head::Open({.fs = options_.fs,
                               .chunks_dir = OwnPath("head_chunks"),
                               .shards = options_.shards,
                               .streams = options_.wal_streams,
                               .block_range_ms = options_.min_block_range_ms,
                               .out_of_order_window_ms = options_.settings.out_of_order_window_ms,
                               .max_exemplars = static_cast<size_t>(
                                   std::max<int64_t>(0, options_.settings.max_exemplars)),
                               .keep_chunk_files_below =
                                   checkpoint == nullptr ? 0 : checkpoint->end().chunk_files_below,
                               .chunk_file_bytes = options_.chunk_file_bytes}));
  ReplayOptions replay{
      .fs = options_.fs, .dir = wal_dir, .logger = options_.logger, .tracker = tracker_.get()};
  if (checkpoint != nullptr) {
    RETURN_IF_ERROR(checkpoint->Load(head_.get(), &replay.known_ids, &replay_stats_.damaged));
    replay.from = checkpoint->end().positions;
    head_->KeepChunkFilesFrom(checkpoint->end().oldest_chunk_file);
    checkpoint_series_ = head_->num_series();
  }
  RETURN_IF_ERROR(ReserveRecordedIds());
  ASSIGN_OR_RETURN(CutState cut, blocks_->LastCut());
  if (cut.cut_ms > head_->floor_ms()) head_->SetFloor(cut.cut_ms, 0, kMinTimeMs);
  replay.cut = std::move(cut.positions);
  head_->RaiseMinValid(blocks_->NewestForeignMs());
  ASSIGN_OR_RETURN(const std::vector<uint32_t> first_segments,
                   ReplayWal(head_.get(), std::move(replay), &replay_stats_));
  options_.logger->Info("WAL replay completed",
                        {{"checkpoint_series", checkpoint_series_},
                         {"segments", replay_stats_.segments},
                         {"series", head_->num_series()},
                         {"samples", replay_stats_.samples},
                         {"damaged", replay_stats_.damaged},
                         {"unknown_series", replay_stats_.unknown_ids},
                         {"duration_ms", (options_.clock->MonotonicNs() - begin_ns) / 1'000'000}});
  wal_ = std::make_unique<wal::Wal>(wal::Wal::Options{.fs = options_.fs,
                                                      .dir = wal_dir,
                                                      .streams = options_.wal_streams,
                                                      .durability = options_.durability,
                                                      .segment_bytes = options_.wal_segment_bytes,
                                                      .first_segments = first_segments,
                                                      .sync_seconds = metrics_.wal_sync_seconds});
  return OkStatus();
}

Status Db::Close() {
  if (closed_.exchange(true)) return OkStatus();
  {
    MutexLock lock(background_mu_);
    stopping_ = true;
    background_wake_.NotifyAll();
  }
  if (background_.joinable()) background_.join();
  maintenance_.reset();
  if (wal_ == nullptr) return OkStatus();
  // Without a checkpoint nothing is lost, only the next start is slower.
  Status checkpoint = options_.checkpoint_at_close ? Checkpoint() : OkStatus();
  if (!checkpoint.ok()) {
    options_.logger->Warn("No checkpoint at exit", {{"err", checkpoint}});
  }
  return wal_->Close();
}

// ---- reading and writing ----

std::unique_ptr<Appender> Db::NewAppender(const AppenderOptions& options) {
  return std::make_unique<HeadAppender>(head_.get(), wal_.get(), &scratch_, options);
}

Result<std::unique_ptr<Querier>> Db::NewQuerier(int64_t min_ms, int64_t max_ms) {
  ReaderLock lock(view_mu_);
  std::unique_ptr<Querier> head;
  int64_t head_min_ms = head_->floor_ms();
  const auto blocks = blocks_->List();
  if (head_->late_samples() > 0) head_min_ms = kMinTimeMs;
  if (max_ms >= head_min_ms || blocks->empty()) {
    head = std::make_unique<HeadQuerier>(head_.get(), min_ms, max_ms);
  }
  return std::unique_ptr<Querier>(
      std::make_unique<MergedQuerier>(std::move(head), head_min_ms, *blocks, min_ms, max_ms));
}

uint64_t Db::Generation(int64_t min_ms, int64_t max_ms) const {
  // Blocks come and go whole; deletions inside them are in the log.
  uint64_t generation = head_->changes().Newest(min_ms, max_ms);
  const auto blocks = blocks_->List();
  for (const auto& block : *blocks) {
    if (!block->OverlapsRange(min_ms, max_ms)) continue;
    generation = generation * 0x9e3779b97f4a7c15 + Hash64(block->meta().ulid);
  }
  return generation;
}

// ---- background steps ----

Status Db::CutHead() {
  const auto install = [this](int64_t cut_ms, uint64_t late_watermark, int64_t late_below_ms,
                              const std::function<Status()>& commit) -> Status {
    WriterLock lock(view_mu_);
    RETURN_IF_ERROR(commit());
    head_->SetFloor(cut_ms, late_watermark, late_below_ms);
    return OkStatus();
  };
  {
    MutexLock lock(move_mu_);
    RETURN_IF_ERROR(blocks_->Cut(head_.get(), wal_.get(), install));
  }
  TruncateHead();
  return OkStatus();
}

Status Db::MoveEndedSeries(size_t fewest) {
  ends_at_move_ = head_->counters().series_ended.load();
  if (head_->max_ms() == kMinTimeMs || head_->num_series() < fewest) return OkStatus();
  MutexLock lock(move_mu_);
  const std::vector<EndedSeries> ended = head_->MarkEnded(head_->max_ms() - kEndedForMs);
  const uint64_t live = head_->num_series() - ended.size();
  if (ended.size() < std::max<uint64_t>(fewest, live / kShareOfLive)) return OkStatus();
  head_->appender_pins().WaitForPresent();
  // Whoever reads without the new blocks has pinned the head by then.
  RETURN_IF_ERROR(
      blocks_->WriteEnded(head_.get(), ended, [this](const std::function<Status()>& commit) {
        WriterLock view_lock(view_mu_);
        return commit();
      }));
  MutexLock maintenance_lock(maintenance_mu_);
  std::vector<Slot> leaving;
  for (const EndedSeries& e : ended) leaving.push_back(e.slot);
  KeepLabels(leaving);
  const ObservedTime gc(metrics_.gc_seconds);
  head_->RemoveEnded(ended);
  moved_since_checkpoint_ = true;
  return OkStatus();
}

bool Db::ManyMayHaveEnded() const {
  const uint64_t ends = head_->counters().series_ended.load() - ends_at_move_;
  return ends >= std::max<uint64_t>(kFewestEnded, head_->num_series() / kShareOfLive);
}

Status Db::MaintainHead() {
  Count(metrics_.reloads);
  const Status adopted = blocks_->store().AdoptForeign().status();
  if (!adopted.ok()) Count(metrics_.failed_reloads);
  RETURN_IF_ERROR(adopted);
  if (!verified_.exchange(true)) VerifyHead();
  while (blocks_->CutIsDue(*head_)) {
    Status status = CutHead();
    if (status.code() == StatusCode::kCorrupt) {
      // Without the damaged chunks it goes on; with them the head would grow for ever.
      VerifyHead();
      status = CutHead();
    }
    RETURN_IF_ERROR(std::move(status));
  }
  Status moved = MoveEndedSeries();
  if (moved.code() == StatusCode::kCorrupt) {
    VerifyHead();
    moved = MoveEndedSeries();
  }
  return moved;
}

void Db::VerifyHead() {
  const uint64_t dropped = head_->DropDamagedChunks();
  if (dropped == 0) return;
  damaged_chunks_ += dropped;
  options_.logger->Error("Chunks of the head are damaged on disk; going on without them",
                         {{"chunks", dropped}});
}

Result<bool> Db::MaintainBlocks(const CancelToken* cancel, const Maintenance::Throttle& throttle) {
  Count(metrics_.compactions_triggered);
  ASSIGN_OR_RETURN(const bool more, blocks_->CompactOnce(cancel, throttle));
  if (more) return true;
  StorageSettings settings;
  {
    MutexLock lock(settings_mu_);
    settings = settings_;
  }
  ASSIGN_OR_RETURN(const uint64_t wal_bytes, wal_->SizeOnDisk());
  RETURN_IF_ERROR(blocks_->ApplyRetention(settings, wal_bytes + head_->sealed().size_bytes()));
  return false;
}

// ---- admin ----

Status Db::DeleteSeries(int64_t min_ms, int64_t max_ms, const std::vector<Matcher>& matchers) {
  MutexLock lock(move_mu_);
  // The deletion of a series that has moved into a block is a tombstone there: a replay must not
  // bring the samples back into the head.
  if (moved_since_checkpoint_) RETURN_IF_ERROR(Checkpoint());
  HeadQuerier querier(head_.get(), min_ms, max_ms);
  ASSIGN_OR_RETURN(const auto set,
                   querier.Select(false, {.min_ms = min_ms, .max_ms = max_ms}, matchers, nullptr));
  HeadAppender appender(head_.get(), wal_.get(), &scratch_, {});
  Labels labels;
  for (size_t i = 0; i < set->size(); i++) {
    set->LabelsOf(i, &labels);
    const SeriesRef ref = appender.Find(labels, labels.Hash(), 0);
    if (ref != 0) RETURN_IF_ERROR(appender.Delete(ref, {min_ms, max_ms}));
  }
  RETURN_IF_ERROR(appender.Commit());
  const Status deleted = blocks_->DeleteSeries(min_ms, max_ms, matchers);
  head_->changes().Add(min_ms, max_ms);
  return deleted;
}

Status Db::CleanTombstones() { return blocks_->CleanTombstones(nullptr); }

// Prometheus's name: time and 16 random hexadecimal digits.
Result<std::string> Db::Snapshot(bool skip_head) {
  const int64_t now_ms = options_.clock->NowMs();
  std::string time = FormatTimeRfc3339(now_ms - now_ms % 1000);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  const std::string name = fmt::format("{}-{:016x}", time, Hash64(NewUlid(now_ms)));
  const std::string dir = JoinPath(JoinPath(path_, "snapshots"), name);
  RETURN_IF_ERROR(options_.fs->CreateDirs(DirName(dir)));
  MutexLock lock(move_mu_);
  RETURN_IF_ERROR(blocks_->Snapshot(dir, skip_head ? nullptr : head_.get(), nullptr));
  return name;
}

std::vector<BlockInfo> Db::Blocks() { return blocks_->Infos(); }

ReplayProgress Db::replay() const { return tracker_->progress(); }

Status Db::Apply(const StorageSettings& settings) {
  {
    MutexLock lock(settings_mu_);
    settings_ = settings;
  }
  head_->SetOutOfOrderWindow(settings.out_of_order_window_ms);
  head_->exemplars().Resize(static_cast<size_t>(std::max<int64_t>(0, settings.max_exemplars)));
  return OkStatus();
}

std::pair<int64_t, int64_t> Db::TimeBounds() {
  const std::pair<int64_t, int64_t> bounds = blocks_->TimeBounds();
  return {std::min(bounds.first, head_->min_ms()), std::max(bounds.second, head_->max_ms())};
}

}  // namespace deucalion::tsdb
