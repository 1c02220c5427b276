// Checkpoints of a Db: finding one at start, writing them in the background and at exit.
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/bytes.h"
#include "tsdb/db/db.h"

namespace deucalion::tsdb {
namespace {

// A checkpoint saves a replay: it waits for a sixth of a second of one, or for as many samples as
// make up for what it writes itself, some of each series...
constexpr uint64_t kEnoughSamples = 3'000'000;
constexpr uint64_t kEnoughPerSeries = 10;
constexpr uint64_t kEnoughWalBytes = 32 << 20;
// ...and until the last one has taken less than a twentieth of the time since; but no start should
// have to replay more than an hour.
constexpr int64_t kShortestNs = int64_t{1} * 1'000'000'000;
constexpr int64_t kShareOfTime = 20;
constexpr int64_t kLongestNs = int64_t{3600} * 1'000'000'000;
constexpr auto kLookEvery = std::chrono::seconds(1);
// Memory that nobody needed for a minute goes back.
constexpr uint64_t kTrimEvery = 60;

}  // namespace

// The newest one without damage; else the newest with an end; null when there is none.
Result<std::unique_ptr<CheckpointReader>> Db::FindCheckpoint() {
  const std::string dir = OwnPath("");
  ASSIGN_OR_RETURN(const std::vector<std::string> names, options_.fs->List(dir));
  std::vector<uint64_t> numbers;
  for (const std::string& name : names) {
    uint64_t number;
    if (ParseCheckpointName(name, &number)) numbers.push_back(number);
    if (name.starts_with("checkpoint-") && name.ends_with(".tmp")) {
      RETURN_IF_ERROR(options_.fs->Remove(OwnPath(name)));
    }
  }
  std::sort(numbers.rbegin(), numbers.rend());
  MutexLock lock(maintenance_mu_);
  if (!numbers.empty()) checkpoint_number_ = numbers.front();
  std::unique_ptr<CheckpointReader> second_best;
  for (const uint64_t number : numbers) {
    Result<CheckpointReader> reader =
        CheckpointReader::Open(options_.fs, OwnPath(CheckpointName(number)));
    const uint64_t damaged = reader.ok() ? reader->CountDamaged() : 0;
    if (reader.ok() && damaged == 0) {
      good_checkpoint_ = number;
      good_positions_ = reader->end().positions;
      good_chunk_file_ = reader->end().oldest_chunk_file;
      return std::make_unique<CheckpointReader>(std::move(*reader));
    }
    damaged_checkpoints_++;
    options_.logger->Error("Checkpoint is damaged; looking for the one before it",
                           {{"checkpoint", CheckpointName(number)},
                            {"blocks", damaged},
                            {"err", reader.ok() ? "" : reader.status().ToString()}});
    if (reader.ok() && second_best == nullptr) {
      second_best = std::make_unique<CheckpointReader>(std::move(*reader));
    }
  }
  return second_best;
}

// Catalogue key in keyspace kCheckpoint: varint number, varint streams, { varint next id, varint
// segment, varint offset } each.
constexpr std::string_view kHeadKey = "head";

Status Db::RecordCheckpoint(uint64_t number, const CheckpointEnd& end) {
  std::string record;
  PutVarint(&record, number);
  PutVarint(&record, end.positions.size());
  for (size_t i = 0; i < end.positions.size(); i++) {
    PutVarint(&record, end.next_ids[i]);
    PutVarint(&record, end.positions[i].segment);
    PutVarint(&record, end.positions[i].offset);
  }
  CatalogBatch batch;
  batch.Put(Keyspace::kCheckpoint, kHeadKey, record);
  return catalog_->Write(batch, true);
}

// Whatever became of checkpoints and WAL: ids given out before the last checkpoint are not given
// out again.
Status Db::ReserveRecordedIds() {
  const auto record = catalog_->Get(Keyspace::kCheckpoint, kHeadKey);
  if (record.status().code() == StatusCode::kNotFound) return OkStatus();
  RETURN_IF_ERROR(record.status());
  ByteReader in(*record);
  const uint64_t number = in.Varint();
  const uint64_t streams = in.Varint();
  for (uint64_t i = 0; i < streams && in.ok() && streams == options_.wal_streams; i++) {
    const uint64_t next = in.Varint();
    if (next > 1) head_->ReserveId((next - 1) * streams + i);
    in.Varint();
    in.Varint();
  }
  if (!in.ok() || !in.done()) return CorruptError("catalog: the last checkpoint does not decode");
  MutexLock lock(maintenance_mu_);
  if (number > checkpoint_number_) {
    damaged_checkpoints_++;
    options_.logger->Error("The newest checkpoint is missing",
                           {{"checkpoint", CheckpointName(number)}});
    checkpoint_number_ = number;
  }
  return OkStatus();
}

Status Db::Checkpoint() {
  MutexLock lock(maintenance_mu_);
  Count(metrics_.checkpoints);
  // Taken before: what comes in meanwhile counts for the next one.
  moved_since_checkpoint_ = false;
  const uint64_t samples = head_->counters().samples.load();
  const uint64_t bytes = wal_->written_bytes();
  const int64_t begin_ns = options_.clock->MonotonicNs();
  Result<CheckpointEnd> end =
      WriteCheckpoint(head_.get(), wal_.get(), OwnPath(""), checkpoint_number_ + 1);
  checkpoint_ns_ = begin_ns;
  checkpoint_took_ns_ = options_.clock->MonotonicNs() - begin_ns;
  if (!end.ok()) {
    moved_since_checkpoint_ = true;
    Count(metrics_.failed_checkpoints);
    return end.TakeStatus().WithContext("writing a head checkpoint");
  }
  const uint64_t number = ++checkpoint_number_;
  checkpoint_samples_ = samples;
  checkpoint_wal_bytes_ = bytes;
  options_.logger->Debug("Head checkpoint written",
                         {{"series", end->series},
                          {"duration_ms", (options_.clock->MonotonicNs() - begin_ns) / 1'000'000}});
  RETURN_IF_ERROR(RecordCheckpoint(number, *end));
  Count(metrics_.checkpoint_deletions);
  Status deleted = DropCheckpointsBut(number, good_checkpoint_);
  if (!deleted.ok()) Count(metrics_.failed_checkpoint_deletions);
  RETURN_IF_ERROR(std::move(deleted));
  std::vector<wal::Position> drop = std::exchange(good_positions_, end->positions);
  good_checkpoint_ = number;
  const uint32_t chunk_file = std::exchange(good_chunk_file_, end->oldest_chunk_file);
  head_->KeepChunkFilesFrom(std::min(chunk_file, good_chunk_file_));
  wal_feed_->Hold(&drop);
  Count(metrics_.wal_truncations);
  Status dropped;
  {
    const ObservedTime truncation(metrics_.wal_truncate_seconds);
    dropped = wal_->DropBefore(drop);
  }
  if (!dropped.ok()) Count(metrics_.failed_wal_truncations);
  RETURN_IF_ERROR(std::move(dropped));
  return wal_feed_->ForgetLabels(drop);
}

Status Db::DropCheckpointsBut(uint64_t newest, uint64_t before) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, options_.fs->List(OwnPath("")));
  for (const std::string& name : names) {
    uint64_t number;
    if (!ParseCheckpointName(name, &number) || number == newest || number == before) continue;
    RETURN_IF_ERROR(options_.fs->Remove(OwnPath(name)));
  }
  return OkStatus();
}

void Db::TruncateHead() {
  MutexLock lock(maintenance_mu_);
  const ObservedTime gc(metrics_.gc_seconds);
  head_->Truncate([this](const std::vector<Slot>& leaving) { KeepLabels(leaving); });
}

// Remote write may still have to read samples of series that leave.
void Db::KeepLabels(const std::vector<Slot>& leaving) {
  if (leaving.empty() || wal_feed_->CursorNames().empty()) return;
  Status status = wal_feed_->kept_labels()->Keep(leaving);
  if (status.ok()) return;
  options_.logger->Error("Remote write may lose samples of series that ended",
                         {{"series", leaving.size()}, {"err", status}});
}

bool Db::CheckpointDue() const {
  const uint64_t samples = head_->counters().samples.load() - checkpoint_samples_;
  const uint64_t bytes = wal_->written_bytes() - checkpoint_wal_bytes_;
  const int64_t passed_ns = options_.clock->MonotonicNs() - checkpoint_ns_;
  if (bytes == 0 || passed_ns < std::max(kShortestNs, kShareOfTime * checkpoint_took_ns_)) {
    return false;
  }
  const uint64_t enough = std::max(kEnoughSamples, kEnoughPerSeries * head_->num_series());
  return samples >= enough || bytes >= kEnoughWalBytes || passed_ns >= kLongestNs;
}

void Db::Background() {
  pthread_setname_np(pthread_self(), "tsdb-head");
  bool said = false;
  MutexLock lock(background_mu_);
  uint64_t rounds = 0;
  while (!stopping_) {
    background_wake_.WaitFor(background_mu_, kLookEvery);
    if (stopping_) return;
    background_mu_.Unlock();
    const Status health = wal_->health();
    if (!health.ok() && !said) {
      options_.logger->Error("Samples are refused from now on", {{"err", health}});
      said = true;
    }
    if (CheckpointDue()) {
      Status status = Checkpoint();
      if (!status.ok()) options_.logger->Error("Head checkpoint failed", {{"err", status}});
    }
    head_->pins().Reclaim();
    if (ManyMayHaveEnded()) maintenance_->Wake();
    if (++rounds % kTrimEvery == 0) head_->TrimMemory();
    background_mu_.Lock();
  }
}

}  // namespace deucalion::tsdb
