#include "tsdb/wal/stream_writer.h"

#include <algorithm>
#include <chrono>

namespace deucalion::tsdb::wal {

class StreamWriter::Sink : public CommitSink {
 public:
  Sink(FrameEncoder* encoder, StreamShape shape, Batch* batch, Ticket* ticket)
      : encoder_(encoder), shape_(shape), batch_(batch), ticket_(ticket) {
    encoder_->Begin(shape_, batch_->segment);
  }
  FrameEncoder* encoder() override { return encoder_; }
  void MaybeSplit() override {
    if (encoder_->body_bytes() >= kFrameTargetBytes) Split();
  }
  void Split() override {
    Finish();
    encoder_->Begin(shape_, batch_->segment);
  }
  void Introduced(ValueState* state) override { ticket_->introduced.push_back(state); }
  void Finish() {
    if (!encoder_->empty()) encoder_->Finish(&batch_->bytes);
  }

 private:
  FrameEncoder* encoder_;
  StreamShape shape_;
  Batch* batch_;
  Ticket* ticket_;
};

StreamWriter::StreamWriter(Options options)
    : options_(std::move(options)), segment_(options_.first_segment) {
  end_ = {segment_, kSegmentHeaderBytes};
}

StreamWriter::Batch* StreamWriter::OpenBatch() {
  if (segment_encoded_ >= options_.segment_bytes) {
    segment_++;
    segment_encoded_ = 0;
  }
  if (queue_.empty() || queue_.back().segment != segment_) {
    queue_.push_back({.segment = segment_});
  }
  return &queue_.back();
}

Status StreamWriter::Commit(const std::function<void(CommitSink*)>& encode, Position* end) {
  Ticket ticket;
  MutexLock lock(mu_);
  if (!dead_.ok()) return dead_;
  Batch* batch = OpenBatch();
  const size_t before = batch->bytes.size();
  Sink sink(&encoder_, options_.shape, batch, &ticket);
  encode(&sink);
  sink.Finish();
  segment_encoded_ += batch->bytes.size() - before;
  if (batch->bytes.size() == before) {
    if (end != nullptr) *end = end_;
    if (batch->bytes.empty()) queue_.pop_back();
    return OkStatus();
  }
  batch->tickets.push_back(&ticket);
  while (!ticket.done) {
    if (file_taken_) {
      changed_.Wait(mu_);
    } else {
      Lead();
    }
  }
  if (end != nullptr) *end = ticket.end;
  return std::move(ticket.status);
}

void StreamWriter::AcquireFile() {
  while (file_taken_) changed_.Wait(mu_);
  file_taken_ = true;
}

void StreamWriter::ReleaseFile() {
  file_taken_ = false;
  changed_.NotifyAll();
}

// Writes the oldest batch.
void StreamWriter::Lead() {
  AcquireFile();
  if (queue_.empty()) {
    ReleaseFile();
    return;
  }
  Batch batch = std::move(queue_.front());
  queue_.pop_front();
  mu_.Unlock();
  Status status = WriteBatch(batch);
  writes_.fetch_add(1, std::memory_order_relaxed);
  if (!status.ok()) failed_writes_.fetch_add(1, std::memory_order_relaxed);
  // The sync may also be that of a segment that ended.
  if (!status.ok() && sync_failed_.ok()) AbandonSegment();
  if (status.ok() && options_.durability == Durability::kAlways) status = SyncFile();
  mu_.Lock();
  if (!sync_failed_.ok()) Die(sync_failed_);
  if (!status.ok()) {
    FailPending(&batch, status);
  } else {
    end_ = {file_segment_, file_good_bytes_};
    written_bytes_ += batch.bytes.size();
    for (Ticket* t : batch.tickets) {
      t->done = true;
      t->end = end_;
    }
  }
  ReleaseFile();
}

void StreamWriter::Die(const Status& synced) {
  dead_ = UnavailableError(
      "the write-ahead log takes no more samples until a restart, because a sync failed: " +
      std::string(synced.message()));
}

// What was encoded behind the failed frames is relative to them: it fails with them.
void StreamWriter::FailPending(Batch* first, const Status& status) {
  const auto fail = [&](Batch* batch) {
    for (Ticket* t : batch->tickets) {
      for (ValueState* state : t->introduced) state->introduced = false;
      t->status = status;
      t->done = true;
    }
  };
  fail(first);
  for (Batch& batch : queue_) fail(&batch);
  queue_.clear();
  segment_ = std::max(segment_, first->segment) + 1;
  segment_encoded_ = 0;
}

Status StreamWriter::OpenSegment(uint32_t segment) {
  if (file_ != nullptr) {
    RETURN_IF_ERROR(SyncFile());
    RETURN_IF_ERROR(file_->Close());
    file_.reset();
  }
  file_path_ = JoinPath(options_.dir, SegmentName(options_.shape.stream, segment));
  ASSIGN_OR_RETURN(file_, options_.fs->Create(file_path_));
  file_segment_ = segment;
  file_good_bytes_ = 0;
  RETURN_IF_ERROR(file_->Append(SegmentHeader(options_.shape, segment)));
  file_good_bytes_ = kSegmentHeaderBytes;
  dirty_ = true;
  return options_.fs->SyncDir(options_.dir);
}

Status StreamWriter::WriteBatch(const Batch& batch) {
  if (file_ == nullptr || file_segment_ != batch.segment) {
    RETURN_IF_ERROR(OpenSegment(batch.segment).WithContext("opening a wal segment"));
  }
  dirty_ = true;
  RETURN_IF_ERROR(file_->Append(batch.bytes).WithContext("writing the wal"));
  file_good_bytes_ += batch.bytes.size();
  return OkStatus();
}

// The file is in an unknown state: only what was written before is kept.
void StreamWriter::AbandonSegment() {
  if (file_ == nullptr) return;
  (void)file_->Close();
  file_.reset();
  // Should this fail too, start-up finds a torn tail and says so.
  if (file_good_bytes_ == 0) {
    (void)options_.fs->Remove(file_path_);
  } else {
    (void)options_.fs->Truncate(file_path_, file_good_bytes_);
  }
}

Status StreamWriter::SyncFile() {
  if (file_ == nullptr || !dirty_) return OkStatus();
  const auto begin = std::chrono::steady_clock::now();
  sync_failed_ = file_->Sync().WithContext("syncing the wal");
  if (options_.sync_seconds != nullptr) {
    options_.sync_seconds->Observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  if (sync_failed_.ok()) dirty_ = false;
  return sync_failed_;
}

Status StreamWriter::Sync() {
  MutexLock lock(mu_);
  if (!dead_.ok()) return dead_;
  AcquireFile();
  mu_.Unlock();
  Status status = SyncFile();
  mu_.Lock();
  if (!status.ok()) Die(status);
  ReleaseFile();
  return status;
}

Result<Position> StreamWriter::Roll() {
  MutexLock lock(mu_);
  if (!dead_.ok()) return dead_;
  if (segment_encoded_ > 0) {
    segment_++;
    segment_encoded_ = 0;
  }
  const Position position{segment_, kSegmentHeaderBytes};
  while (!queue_.empty() && queue_.front().segment < position.segment) {
    if (file_taken_) {
      changed_.Wait(mu_);
    } else {
      Lead();
    }
  }
  return position;
}

Status StreamWriter::Close() {
  MutexLock lock(mu_);
  AcquireFile();
  Status status = dead_.ok() ? SyncFile() : dead_;
  if (file_ != nullptr) {
    Status closed = file_->Close();
    if (status.ok()) status = std::move(closed);
    file_.reset();
  }
  if (dead_.ok()) dead_ = UnavailableError("the write-ahead log is closed");
  ReleaseFile();
  return status;
}

Position StreamWriter::end() const {
  MutexLock lock(mu_);
  return end_;
}
uint32_t StreamWriter::segment() const {
  MutexLock lock(mu_);
  return segment_;
}
uint64_t StreamWriter::written_bytes() const {
  MutexLock lock(mu_);
  return written_bytes_;
}
Status StreamWriter::health() const {
  MutexLock lock(mu_);
  return dead_;
}

}  // namespace deucalion::tsdb::wal
