// SendQueue, on the side: what 1.0 says of metric families, every send_interval, in requests of its
// own. 2.0 sends it with each value.
#include <algorithm>

#include "server/remote/send/send_queue.h"

namespace deucalion::remote {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

void SendQueue::TickMetadata(int64_t now_ns) {
  Channel& channel = metadata_channel_;
  if (channel.in_flight || draining_) return;
  if (channel.retry_at_ns != 0) {
    if (now_ns >= channel.retry_at_ns) SendMetadata(now_ns);
    return;
  }
  if (now_ns >= next_metadata_ns_) {
    next_metadata_ns_ = now_ns + std::max<int64_t>(config_.metadata.send_interval_ms, 1) * kNsPerMs;
    if (version_ == WriteVersion::kV2 || !config_.metadata.send || !parts_.metadata) return;
    families_ = parts_.metadata();
    next_family_ = 0;
  }
  if (next_family_ >= families_.size()) return;
  channel = {.backoff_ms = config_.queue.min_backoff_ms};
  SendMetadata(now_ns);
}

void SendQueue::SendMetadata(int64_t now_ns) {
  Channel& channel = metadata_channel_;
  const auto most = static_cast<size_t>(std::max(config_.metadata.max_samples_per_send, 1));
  sending_families_ = std::min(most, families_.size() - next_family_);
  channel.counts = {};
  channel.counts[static_cast<size_t>(SentKind::kMetadata)] =
      static_cast<int64_t>(sending_families_);
  if (channel.attempt > 0) QueueMetrics::AddCounts(metrics_.retried, channel.counts);
  outgoing_metadata_.clear();
  for (size_t i = 0; i < sending_families_; ++i) {
    const auto& [family, metadata] = families_[next_family_ + i];
    outgoing_metadata_.push_back({.family = family, .metadata = &metadata});
  }
  std::string body = EncodeMetadataV1(outgoing_metadata_);
  metrics_.metadata_bytes->Add(static_cast<double>(body.size()));
  QueueMetrics::AddCounts(metrics_.sent, channel.counts);
  channel.in_flight = true;
  channel.retry_at_ns = 0;
  channel.attempt_ns = now_ns;
  parts_.send(kMetadataChannel, std::move(body), channel.attempt);
}

void SendQueue::OnMetadataReply(const WriteReply& reply) {
  Channel& channel = metadata_channel_;
  channel.in_flight = false;
  if (reply.kind == WriteReply::Kind::kRetry) {
    ReadyForRetry(&channel, reply, parts_.clock->MonotonicNs());
    return;
  }
  if (reply.kind == WriteReply::Kind::kRefused) {
    QueueMetrics::AddCounts(metrics_.failed, channel.counts);
    parts_.logger->Error("non-recoverable error while sending metadata",
                         {{"count", sending_families_}, {"err", reply.error}});
  }
  next_family_ += sending_families_;
  channel = {};
}

}  // namespace deucalion::remote
