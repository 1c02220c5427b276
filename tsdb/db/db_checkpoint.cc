// Checkpoints of a Db: finding one at start, writing them in the background and at exit.
#include <algorithm>
#include <chrono>

#include "tsdb/db/db.h"

namespace deucalion::tsdb {
namespace {

// A checkpoint saves a replay: it waits for a quarter of a second of one...
constexpr uint64_t kEnoughSamples = 5'000'000;
constexpr uint64_t kEnoughWalBytes = 32 << 20;
// ...and until the last one has cost less than a fiftieth of the time since; but no start should
// have to replay more than an hour.
constexpr int64_t kShortestNs = int64_t{10} * 1'000'000'000;
constexpr int64_t kShareOfTime = 50;
constexpr int64_t kLongestNs = int64_t{3600} * 1'000'000'000;
constexpr auto kLookEvery = std::chrono::seconds(5);
// Memory that nobody needed for a minute goes back.
constexpr uint64_t kTrimEvery = 12;

}  // namespace

// The newest readable one, null when there is none.
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
  for (const uint64_t number : numbers) {
    Result<CheckpointReader> reader =
        CheckpointReader::Open(options_.fs, OwnPath(CheckpointName(number)));
    if (reader.ok()) return std::make_unique<CheckpointReader>(std::move(*reader));
    replay_stats_.damaged++;
    options_.logger->Error("Checkpoint cannot be read; starting without it",
                           {{"err", reader.status()}});
  }
  return std::unique_ptr<CheckpointReader>();
}

Status Db::Checkpoint() {
  MutexLock lock(maintenance_mu_);
  if (checkpoints_ != nullptr) checkpoints_->Increment();
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
    if (failed_checkpoints_ != nullptr) failed_checkpoints_->Increment();
    return end.TakeStatus().WithContext("writing a head checkpoint");
  }
  checkpoint_number_++;
  checkpoint_samples_ = samples;
  checkpoint_wal_bytes_ = bytes;
  options_.logger->Debug("Head checkpoint written",
                         {{"series", end->series},
                          {"duration_ms", (options_.clock->MonotonicNs() - begin_ns) / 1'000'000}});
  RETURN_IF_ERROR(DropOldCheckpoints(checkpoint_number_));
  wal_feed_->Hold(&end->positions);
  return wal_->DropBefore(end->positions);
}

Status Db::DropOldCheckpoints(uint64_t newest) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, options_.fs->List(OwnPath("")));
  for (const std::string& name : names) {
    uint64_t number;
    if (!ParseCheckpointName(name, &number) || number >= newest) continue;
    RETURN_IF_ERROR(options_.fs->Remove(OwnPath(name)));
  }
  return OkStatus();
}

void Db::TruncateHead() {
  MutexLock lock(maintenance_mu_);
  head_->Truncate();
}

bool Db::CheckpointDue() const {
  const uint64_t samples = head_->counters().samples.load() - checkpoint_samples_;
  const uint64_t bytes = wal_->written_bytes() - checkpoint_wal_bytes_;
  const int64_t passed_ns = options_.clock->MonotonicNs() - checkpoint_ns_;
  if (bytes == 0 || passed_ns < std::max(kShortestNs, kShareOfTime * checkpoint_took_ns_)) {
    return false;
  }
  return samples >= kEnoughSamples || bytes >= kEnoughWalBytes || passed_ns >= kLongestNs;
}

void Db::Background() {
  MutexLock lock(background_mu_);
  uint64_t rounds = 0;
  while (!stopping_) {
    background_wake_.WaitFor(background_mu_, kLookEvery);
    if (stopping_) return;
    background_mu_.Unlock();
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
