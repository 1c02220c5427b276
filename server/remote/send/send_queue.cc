// SendQueue, second half: from the shards to the receiver.
#include "server/remote/send/send_queue.h"

#include <algorithm>
#include <utility>

namespace deucalion::remote {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// Two or three requests of 2,000 values of which none is wanted.
constexpr int64_t kMaxSplitBudget = 20'000;
constexpr int kBadRequest = 400;
constexpr int kConflict = 409;

int64_t Total(const SentCounts& counts) { return counts[0] + counts[1] + counts[2] + counts[3]; }

}  // namespace

SendQueue::SendQueue(const config::RemoteWriteConfig& config, Labels external_labels, Parts parts)
    : config_(config),
      parts_(std::move(parts)),
      metrics_(parts_.metrics),
      version_(config.protobuf_message == config::RemoteWriteConfig::kV2 ? WriteVersion::kV2
                                                                         : WriteVersion::kV1),
      batch_size_(static_cast<size_t>(std::max(config.queue.max_samples_per_send, 1))),
      capacity_(std::max(batch_size_, static_cast<size_t>(std::max(config.queue.capacity, 1)))),
      series_(version_, std::move(external_labels), &config.write_relabel_configs),
      encoder_(version_, &series_.texts()),
      shards_(static_cast<size_t>(std::max(config.queue.min_shards, 1))),
      wanted_shards_(shards()),
      split_budget_(kMaxSplitBudget) {
  const int64_t now_ns = parts_.clock->MonotonicNs();
  next_plan_ns_ = now_ns + kShardUpdateMs * kNsPerMs;
  last_send_ns_ = now_ns;
  next_metadata_ns_ = now_ns + config.metadata.send_interval_ms * kNsPerMs;
  metrics_.shard_capacity->Set(config.queue.capacity);
  metrics_.shards_max->Set(config.queue.max_shards);
  metrics_.shards_min->Set(config.queue.min_shards);
  metrics_.shards_desired->Set(config.queue.min_shards);
  metrics_.max_samples_per_send->Set(config.queue.max_samples_per_send);
  metrics_.shards->Set(shards());
}

int64_t SendQueue::Tick(int64_t newest_ms) {
  const int64_t now_ns = parts_.clock->MonotonicNs();
  if (now_ns >= next_plan_ns_) {
    next_plan_ns_ = now_ns + kShardUpdateMs * kNsPerMs;
    Plan(newest_ms);
  }
  if (wanted_shards_ != shards()) Reshard();
  if (feeding_) Feed();
  int64_t next_ns = next_plan_ns_;
  for (int i = 0; i < shards(); ++i) {
    TickShard(i, now_ns);
    next_ns = std::min(next_ns, NextDueNs(shards_[static_cast<size_t>(i)]));
  }
  TickMetadata(now_ns);
  if (!metadata_channel_.in_flight) {
    next_ns = std::min(next_ns, metadata_channel_.retry_at_ns != 0 ? metadata_channel_.retry_at_ns
                                                                   : next_metadata_ns_);
  }
  return next_ns;
}

void SendQueue::TickShard(int index, int64_t now_ns) {
  Shard& shard = shards_[static_cast<size_t>(index)];
  if (gave_up_ || shard.channel.in_flight) return;
  if (shard.channel.retry_at_ns != 0) {
    if (now_ns >= shard.channel.retry_at_ns || draining_) SendBatch(index, now_ns);
    return;
  }
  if (wanted_shards_ != shards()) return;  // what is under way first
  const size_t n = DueValues(shard, now_ns);
  if (n > 0) StartBatch(index, n, now_ns);
}

size_t SendQueue::DueValues(const Shard& shard, int64_t now_ns) const {
  if (shard.queue.empty()) return 0;
  if (!shard.pieces.empty()) return std::min(shard.pieces.back(), shard.queue.size());
  if (shard.queue.size() >= batch_size_) return batch_size_;
  const bool due =
      draining_ || now_ns - shard.waiting_ns >= config_.queue.batch_send_deadline_ms * kNsPerMs;
  return due ? shard.queue.size() : 0;
}

int64_t SendQueue::NextDueNs(const Shard& shard) const {
  if (gave_up_ || shard.channel.in_flight || shard.queue.empty()) return INT64_MAX;
  if (shard.channel.retry_at_ns != 0) return shard.channel.retry_at_ns;
  return shard.waiting_ns + config_.queue.batch_send_deadline_ms * kNsPerMs;
}

void SendQueue::StartBatch(int index, size_t n, int64_t now_ns) {
  Shard& shard = shards_[static_cast<size_t>(index)];
  shard.sending = n;
  shard.channel = {.backoff_ms = config_.queue.min_backoff_ms, .begun_ns = now_ns};
  SendBatch(index, now_ns);
}

void SendQueue::SendBatch(int index, int64_t now_ns) {
  Shard& shard = shards_[static_cast<size_t>(index)];
  Channel& channel = shard.channel;
  if (channel.attempt > 0) {
    QueueMetrics::AddCounts(metrics_.retried, channel.counts);
    if (config_.queue.sample_age_limit_ms > 0) DropOldOfBatch(&shard);
    if (shard.sending == 0) return FinishBatch(&shard, now_ns);
  }
  std::string body = EncodeBatch(&shard);
  QueueMetrics::AddCounts(metrics_.sent, channel.counts);
  metrics_.bytes->Add(static_cast<double>(body.size()));
  channel.in_flight = true;
  channel.retry_at_ns = 0;
  channel.attempt_ns = now_ns;
  parts_.send(index, std::move(body), channel.attempt);
}

// The request of the values being sent; counts them.
std::string SendQueue::EncodeBatch(Shard* shard) {
  SentCounts counts{};
  shard->highest_ms = 0;
  for (size_t i = 0; i < shard->sending; ++i) {
    const Value& v = shard->queue[i];
    encoder_.Add({.labels = &v.series->labels,
                  .time_ms = v.time_ms,
                  .st_ms = v.st_ms,
                  .value = v.value,
                  .histogram = v.histogram.get(),
                  .exemplar = v.exemplar.get(),
                  .metadata = v.series->metadata.get()});
    counts[static_cast<size_t>(v.kind())]++;
    if (v.series->metadata) counts[static_cast<size_t>(SentKind::kMetadata)]++;
    if (v.exemplar == nullptr) shard->highest_ms = std::max(shard->highest_ms, v.time_ms);
  }
  shard->channel.counts = counts;
  return encoder_.Finish();
}

// What has become too old while the receiver could not be reached.
void SendQueue::DropOldOfBatch(Shard* shard) {
  std::deque<Value>& queue = shard->queue;
  size_t kept = 0;
  for (size_t i = 0; i < shard->sending; ++i) {
    Value& v = queue[i];
    if (!TooOld(v.time_ms)) {
      if (i != kept) std::swap(queue[kept], v);
      ++kept;
    }
  }
  for (size_t i = kept; i < shard->sending; ++i) {
    Value& v = queue[i];
    Drop(v.kind(), DropReason::kTooOld);
    metrics_.pending[static_cast<size_t>(v.kind())]->Add(-1);
    frames_[v.frame - first_frame_].outstanding--;
    series_.Release(v.series);
  }
  const auto begin = queue.begin();
  queue.erase(begin + static_cast<ptrdiff_t>(kept), begin + static_cast<ptrdiff_t>(shard->sending));
  shard->sending = kept;
}

void SendQueue::OnReply(int channel, WriteReply reply) {
  if (channel == kMetadataChannel) return OnMetadataReply(reply);
  OnShardReply(&shards_[static_cast<size_t>(channel)], reply);
}

void SendQueue::OnShardReply(Shard* shard, const WriteReply& reply) {
  const int64_t now_ns = parts_.clock->MonotonicNs();
  Channel& channel = shard->channel;
  metrics_.sent_batch_seconds->Observe(static_cast<double>(now_ns - channel.attempt_ns) / 1e9);
  channel.in_flight = false;
  if (reply.kind == WriteReply::Kind::kRetry) {
    if (!ReadyForRetry(&channel, reply, now_ns)) gave_up_ = true;
    return;
  }
  if (reply.kind == WriteReply::Kind::kRefused && SplitBatch(shard, reply)) return;
  CountOutcome(*shard, reply, now_ns);
  if (!shard->pieces.empty()) {
    shard->pieces.pop_back();
    split_budget_ +=
        reply.kind == WriteReply::Kind::kTaken ? static_cast<int64_t>(shard->sending) : -1;
    split_budget_ = std::min(split_budget_, kMaxSplitBudget);
  }
  FinishBatch(shard, now_ns);
}

// False: not any more.
bool SendQueue::ReadyForRetry(Channel* channel, const WriteReply& reply, int64_t now_ns) {
  if (draining_) return false;
  const int64_t delay_ms =
      reply.retry_after_ms > 0 ? reply.retry_after_ms : std::max<int64_t>(channel->backoff_ms, 1);
  channel->retry_at_ns = now_ns + delay_ms * kNsPerMs;
  channel->backoff_ms = std::min(delay_ms * 2, config_.queue.max_backoff_ms);
  channel->attempt++;
  parts_.logger->Warn("Failed to send batch, retrying", {{"err", reply.error}});
  return true;
}

// True when halves of the request are to be tried.
bool SendQueue::SplitBatch(Shard* shard, const WriteReply& reply) {
  const size_t n = shard->sending;
  // A receiver that says what it has written has written what it could.
  if ((reply.status != kBadRequest && reply.status != kConflict) || reply.written.present) {
    return false;
  }
  if (n < 2 || split_budget_ <= 0) return false;
  const bool doubtful =
      std::any_of(shard->queue.begin(), shard->queue.begin() + static_cast<ptrdiff_t>(n),
                  [this](const Value& v) { return frames_[v.frame - first_frame_].doubtful; });
  if (!doubtful) return false;
  split_budget_--;
  if (!shard->pieces.empty()) shard->pieces.pop_back();
  shard->pieces.push_back(n - n / 2);
  shard->pieces.push_back(n / 2);
  shard->sending = 0;
  shard->channel = {};
  return true;
}

void SendQueue::CountOutcome(const Shard& shard, const WriteReply& reply, int64_t now_ns) {
  const Channel& channel = shard.channel;
  const bool taken = reply.kind == WriteReply::Kind::kTaken;
  SentCounts written{};
  if (taken && version_ == WriteVersion::kV1) written = channel.counts;
  if (version_ == WriteVersion::kV2 && reply.written.present) {
    written = {reply.written.samples, reply.written.exemplars, reply.written.histograms, 0};
  }
  SentCounts failed{};
  for (size_t i = 0; i < static_cast<size_t>(SentKind::kMetadata); ++i) {
    failed[i] = std::max<int64_t>(channel.counts[i] - written[i], 0);
  }
  QueueMetrics::AddCounts(metrics_.failed, failed);
  std::string error = reply.error;
  if (taken && version_ == WriteVersion::kV2 && written == SentCounts{}) {
    error =
        "got 2xx, but PRW 2.0 response header statistics indicate that nothing was written; "
        "assuming failure, e.g. the target only supports PRW 1.0 prometheus.WriteRequest, but does "
        "not check the Content-Type header correctly";
  } else if (taken && failed != SentCounts{}) {
    error =
        "got 2xx status code from the Receiver yet statistics indicate some data was not written";
  }
  if (!error.empty()) {
    parts_.logger->Error("non-recoverable error", {{"failedSampleCount", failed[0]},
                                                   {"failedHistogramCount", failed[2]},
                                                   {"failedExemplarCount", failed[1]},
                                                   {"err", error}});
  } else {
    highest_sent_ms_ = std::max(highest_sent_ms_, shard.highest_ms);
    metrics_.highest_sent_seconds->Set(static_cast<double>(highest_sent_ms_ / 1000));
  }
  out_.Add(static_cast<double>(Total(channel.counts)));
  out_seconds_.Add(static_cast<double>(now_ns - channel.begun_ns) / 1e9);
  last_send_ns_ = now_ns;
}

void SendQueue::FinishBatch(Shard* shard, int64_t now_ns) {
  SentCounts settled{};
  for (; shard->sending > 0; --shard->sending) {
    Value& v = shard->queue.front();
    settled[static_cast<size_t>(v.kind())]++;
    frames_[v.frame - first_frame_].outstanding--;
    series_.Release(v.series);
    shard->queue.pop_front();
  }
  metrics_.AddPending(settled, -1);
  shard->channel = {};
  shard->waiting_ns = now_ns;
}

void SendQueue::Plan(int64_t newest_ms) {
  in_.Tick();
  out_.Tick();
  dropped_.Tick();
  out_seconds_.Tick();
  const ShardPlan plan = PlanShards(
      {.in_rate = in_.rate(),
       .out_rate = out_.rate(),
       .dropped_rate = dropped_.rate(),
       .out_seconds_rate = out_seconds_.rate(),
       .behind_seconds =
           highest_sent_ms_ == 0
               ? 0
               : static_cast<double>(std::max<int64_t>(newest_ms - highest_sent_ms_, 0)) / 1000,
       .shards = wanted_shards_,
       .min_shards = std::max(config_.queue.min_shards, 1),
       .max_shards = std::max(config_.queue.max_shards, 1)});
  metrics_.shards_desired->Set(plan.desired);
  if (plan.shards == wanted_shards_) return;
  const int64_t patience_ns = (kShardUpdateMs + config_.queue.batch_send_deadline_ms) * kNsPerMs;
  if (parts_.clock->MonotonicNs() - last_send_ns_ > patience_ns) {
    parts_.logger->Warn("Skipping resharding, last successful send was beyond threshold");
    return;
  }
  parts_.logger->Info("Remote storage resharding", {{"from", wanted_shards_}, {"to", plan.shards}});
  wanted_shards_ = plan.shards;
}

// Once nothing is under way: a series then has all its values in one place, in order, whichever
// shard that is.
void SendQueue::Reshard() {
  if (draining_) return;
  for (const Shard& shard : shards_) {
    if (shard.channel.busy()) return;
  }
  std::vector<Shard> old(static_cast<size_t>(wanted_shards_));
  old.swap(shards_);
  const int64_t now_ns = parts_.clock->MonotonicNs();
  for (Shard& shard : shards_) shard.waiting_ns = now_ns;
  for (Shard& from : old) {
    for (Value& v : from.queue) {
      Shard& to = shards_[v.series->hash % shards_.size()];
      to.waiting_ns = std::min(to.waiting_ns, from.waiting_ns);
      to.queue.push_back(std::move(v));
    }
  }
  metrics_.shards->Set(shards());
}

void SendQueue::Drain() { draining_ = true; }

bool SendQueue::drained() const {
  bool empty = !feeding_;
  for (const Shard& shard : shards_) {
    if (shard.channel.in_flight) return false;
    empty &= shard.queue.empty();
  }
  return draining_ && (empty || gave_up_);
}

int64_t SendQueue::pending_values() const {
  int64_t n = 0;
  for (const Shard& shard : shards_) n += static_cast<int64_t>(shard.queue.size());
  return n;
}

}  // namespace deucalion::remote
