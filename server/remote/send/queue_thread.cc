#include "server/remote/send/queue_thread.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace deucalion::remote {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// How long new samples may lie in the WAL unread: far below the deadline of a batch.
constexpr int64_t kPollNs = 50 * kNsPerMs;
constexpr int64_t kDrainPollNs = 5 * kNsPerMs;
constexpr int64_t kReadAgainNs = 1'000 * kNsPerMs;

}  // namespace

QueueThread::QueueThread(const config::RemoteWriteConfig& config, const Labels& external_labels,
                         Parts parts, std::shared_ptr<WriteTransport> transport)
    : config_(config),
      parts_(std::move(parts)),
      transport_(std::move(transport)),
      queue_(config_, external_labels, QueueParts()) {}

Result<std::unique_ptr<QueueThread>> QueueThread::Start(const std::string& cursor_name,
                                                        const config::RemoteWriteConfig& config,
                                                        const Labels& external_labels, Parts parts,
                                                        std::shared_ptr<WriteTransport> transport) {
  WalFeed* const feed = parts.storage->wal_feed();
  std::unique_ptr<QueueThread> thread(
      new QueueThread(config, external_labels, std::move(parts), std::move(transport)));
  ASSIGN_OR_RETURN(thread->cursor_, feed->OpenCursor(cursor_name));
  thread->thread_ = std::thread([t = thread.get()] { t->Run(); });
  return thread;
}

QueueThread::~QueueThread() {
  BeginStop(0);
  Join();
}

SendQueue::Parts QueueThread::QueueParts() {
  return {.clock = parts_.clock,
          .logger = parts_.logger,
          .metrics = parts_.metrics,
          .send = [this](int channel, std::string body,
                         int attempt) { Send(channel, std::move(body), attempt); },
          .metadata = parts_.metadata};
}

void QueueThread::SetTransport(std::shared_ptr<WriteTransport> transport) {
  MutexLock lock(mu_);
  transport_ = std::move(transport);
}

void QueueThread::Send(int channel, std::string body, int attempt) {
  std::shared_ptr<WriteTransport> transport;
  {
    MutexLock lock(mu_);
    transport = transport_;
  }
  transport->Send(std::move(body), attempt, [inbox = inbox_, channel](WriteReply reply) {
    MutexLock lock(inbox->mu);
    inbox->replies.push_back({channel, std::move(reply)});
    inbox->wake.NotifyOne();
  });
}

void QueueThread::BeginStop(int64_t deadline_ms) {
  {
    MutexLock lock(inbox_->mu);
    inbox_->stop_at_ns =
        std::min(inbox_->stop_at_ns, parts_.clock->MonotonicNs() + deadline_ms * kNsPerMs);
  }
  inbox_->wake.NotifyOne();
}

void QueueThread::Join() {
  if (thread_.joinable()) thread_.join();
}

void QueueThread::Run() {
  pthread_setname_np(pthread_self(), "remote-write");
  bool stopping = false;
  for (;;) {
    const int64_t deadline_ns = HandOverReplies();
    if (!stopping && deadline_ns != INT64_MAX) {
      queue_.Drain();
      stopping = true;
    }
    int64_t wake_ns = queue_.Tick(cursor_->newest_ms());
    SavePosition();
    if (stopping) {
      if (queue_.drained() || parts_.clock->MonotonicNs() >= deadline_ns) break;
      // Timers that only matter to a queue that goes on may be due: replies wake us.
      wake_ns = std::max(wake_ns, parts_.clock->MonotonicNs() + kDrainPollNs);
      Wait(std::min(wake_ns, deadline_ns));
      continue;
    }
    if (queue_.HasRoom()) {
      if (ReadMore()) continue;
      wake_ns = std::min(wake_ns, parts_.clock->MonotonicNs() + kPollNs);
    }
    Wait(wake_ns);
  }
  if (const int64_t left = queue_.pending_values(); left > 0) {
    parts_.logger->Warn(
        "Failed to flush all samples on shutdown; they will be sent after the next start",
        {{"count", left}});
  }
}

int64_t QueueThread::HandOverReplies() {
  std::vector<Reply> replies;
  int64_t stop_at_ns = INT64_MAX;
  {
    MutexLock lock(inbox_->mu);
    replies.swap(inbox_->replies);
    stop_at_ns = inbox_->stop_at_ns;
  }
  for (Reply& r : replies) queue_.OnReply(r.channel, std::move(r.reply));
  return stop_at_ns;
}

void QueueThread::Wait(int64_t until_ns) {
  const int64_t left_ns = until_ns - parts_.clock->MonotonicNs();
  MutexLock lock(inbox_->mu);
  if (left_ns <= 0 || !inbox_->replies.empty()) return;
  inbox_->wake.WaitFor(inbox_->mu, std::chrono::nanoseconds(left_ns));
}

// False when there is nothing to read now.
bool QueueThread::ReadMore() {
  if (parts_.clock->MonotonicNs() < read_again_ns_) return false;
  std::string position;
  const Status status = ReadBatch(&position);
  parts_.metrics.wal_segment->Set(static_cast<double>(cursor_->segment()));
  if (!status.ok()) {
    parts_.metrics.wal_decode_failures->Increment();
    parts_.logger->Error("Reading what is to be sent failed; trying again", {{"err", status}});
    read_again_ns_ = parts_.clock->MonotonicNs() + kReadAgainNs;
    return false;
  }
  if (batch_.gap.has_value()) {
    BeginGap(*batch_.gap);
    return true;
  }
  if (batch_.empty() && gap_ == nullptr) {
    tailing_ = true;
    return false;
  }
  if (!tailing_ && !batch_.samples.empty()) parts_.metrics.wal_pre_tailing->Increment();
  queue_.Take(&batch_, std::move(position));
  if (gap_ != nullptr && gap_->done()) {
    // Some of what the WAL holds by now was in storage already.
    cursor_->MarkDoubtful();
    gap_ = nullptr;
    parts_.logger->Info("Done reading blocks; following the WAL again");
  }
  return true;
}

Status QueueThread::ReadBatch(std::string* position) {
  if (gap_ == nullptr) {
    RETURN_IF_ERROR(cursor_->Next(&batch_, std::chrono::milliseconds(0)));
    *position = cursor_->position();
    return OkStatus();
  }
  RETURN_IF_ERROR(gap_->Next(&batch_));
  *position = gap_->done() ? cursor_->position() : cursor_->PositionInGap(gap_->next_ms());
  return OkStatus();
}

void QueueThread::BeginGap(FeedGap gap) {
  gap.min_ms = std::max(gap.min_ms, parts_.storage->admin()->TimeBounds().first);
  if (config_.queue.sample_age_limit_ms > 0) {
    gap.min_ms = std::max(gap.min_ms, parts_.clock->NowMs() - config_.queue.sample_age_limit_ms);
  }
  gap_ = std::make_unique<GapReader>(parts_.storage, parts_.clock, gap);
}

void QueueThread::SavePosition() {
  const std::optional<std::string> position = queue_.TakePosition();
  if (!position.has_value()) return;
  const Status saved = cursor_->Save(*position);
  if (!saved.ok()) parts_.logger->Error("Saving a remote write position failed", {{"err", saved}});
}

}  // namespace deucalion::remote
