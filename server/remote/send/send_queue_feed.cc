// SendQueue, first half: from the WAL feed into the shards.
#include "server/remote/send/send_queue.h"

namespace deucalion::remote {

void SendQueue::Take(FeedBatch* batch, std::string position) {
  CHECK(!feeding_);
  batch_.Clear();
  std::swap(batch_, *batch);
  next_sample_ = next_histogram_ = next_exemplar_ = 0;
  // 1: what is still to be fed.
  frames_.push_back(
      {.position = std::move(position), .outstanding = 1, .doubtful = batch_.doubtful});
  feeding_ = true;
  CountRecords(batch_);
  for (const FeedSeries& s : batch_.series) series_.Introduce(s.id, s.labels);
  for (FeedMetadata& m : batch_.metadata) {
    QueueSeries* series = series_.Find(m.id);
    if (series != nullptr && !series->dropped() && version_ == WriteVersion::kV2) {
      series->metadata = std::make_unique<Metadata>(std::move(m.metadata));
    }
  }
  if (batch_.unknown > 0) {
    Drop(SentKind::kSamples, DropReason::kUnknownSeries, static_cast<int64_t>(batch_.unknown));
  }
  Feed();
}

void SendQueue::CountRecords(const FeedBatch& batch) {
  if (!batch.series.empty()) metrics_.wal_series->Increment();
  if (!batch.samples.empty()) metrics_.wal_samples->Increment();
  if (!batch.exemplars.empty()) metrics_.wal_exemplars->Increment();
  if (!batch.histograms.empty()) metrics_.wal_histograms->Increment();
  if (!batch.metadata.empty()) metrics_.wal_metadata->Increment();
  ReadCounts& read = *metrics_.read;
  read[static_cast<size_t>(SentKind::kSamples)] += batch.samples.size();
  read[static_cast<size_t>(SentKind::kExemplars)] += batch.exemplars.size();
  read[static_cast<size_t>(SentKind::kHistograms)] += batch.histograms.size();
}

// Goes on until a shard is full or the batch used up.
void SendQueue::Feed() {
  if (!FeedSamples() || !FeedHistograms() || !FeedExemplars()) {
    metrics_.enqueue_retries->Increment();
    return;
  }
  for (const uint64_t id : batch_.gone) series_.Forget(id);
  frames_.back().outstanding--;
  feeding_ = false;
  metrics_.highest_seconds->Set(static_cast<double>(highest_ms_ / 1000));
}

bool SendQueue::FeedSamples() {
  for (; next_sample_ < batch_.samples.size(); ++next_sample_) {
    const FeedSample& s = batch_.samples[next_sample_];
    QueueSeries* series = Admit(s.id, s.time_ms, SentKind::kSamples);
    if (series == nullptr) continue;
    if (!Push(series, {.time_ms = s.time_ms, .st_ms = s.st_ms, .value = s.value})) return false;
  }
  return true;
}

bool SendQueue::FeedHistograms() {
  if (version_ == WriteVersion::kV1 && !config_.send_native_histograms) return true;
  for (; next_histogram_ < batch_.histograms.size(); ++next_histogram_) {
    FeedHistogram& h = batch_.histograms[next_histogram_];
    QueueSeries* series = Admit(h.id, h.time_ms, SentKind::kHistograms);
    if (series == nullptr) continue;
    if (version_ == WriteVersion::kV1 && h.histogram.UsesCustomBuckets()) {
      Drop(SentKind::kHistograms, DropReason::kCustomBucketsInV1);
      continue;
    }
    Value value{.time_ms = h.time_ms, .st_ms = h.st_ms};
    // Moved only when there is room: a refused push leaves it where it is.
    if (shards_[series->hash % shards_.size()].queue.size() >= capacity_) return false;
    value.histogram = std::make_unique<FeedHistogram>(std::move(h));
    Push(series, std::move(value));
  }
  return true;
}

bool SendQueue::FeedExemplars() {
  if (!config_.send_exemplars) return true;
  for (; next_exemplar_ < batch_.exemplars.size(); ++next_exemplar_) {
    FeedExemplar& e = batch_.exemplars[next_exemplar_];
    QueueSeries* series = Admit(e.id, e.exemplar.time_ms, SentKind::kExemplars);
    if (series == nullptr) continue;
    Value value{.time_ms = e.exemplar.time_ms};
    if (shards_[series->hash % shards_.size()].queue.size() >= capacity_) return false;
    value.exemplar = std::make_unique<Exemplar>(std::move(e.exemplar));
    Push(series, std::move(value));
  }
  return true;
}

// The series a value goes to; null when it is left out, which has been counted. May be asked again
// for a value that found no room: nothing is counted then.
QueueSeries* SendQueue::Admit(uint64_t id, int64_t time_ms, SentKind kind) {
  if (TooOld(time_ms)) {
    Drop(kind, DropReason::kTooOld);
    return nullptr;
  }
  QueueSeries* series = series_.Find(id);
  if (series == nullptr || series->dropped()) {
    Drop(kind, series == nullptr ? DropReason::kUnknownSeries : DropReason::kDroppedSeries);
    return nullptr;
  }
  return series;
}

bool SendQueue::Push(QueueSeries* series, Value value) {
  Shard& shard = shards_[series->hash % shards_.size()];
  if (shard.queue.size() >= capacity_) return false;
  if (shard.queue.size() == shard.sending) shard.waiting_ns = parts_.clock->MonotonicNs();
  value.series = series;
  value.frame = first_frame_ + frames_.size() - 1;
  frames_.back().outstanding++;
  series->pending++;
  in_.Add(1);
  if (value.exemplar == nullptr) highest_ms_ = std::max(highest_ms_, value.time_ms);
  metrics_.pending[static_cast<size_t>(value.kind())]->Add(1);
  shard.queue.push_back(std::move(value));
  return true;
}

void SendQueue::Drop(SentKind kind, DropReason reason, int64_t n) {
  metrics_.DroppedCounter(kind, reason)->Add(static_cast<double>(n));
  in_.Add(static_cast<double>(n));
  dropped_.Add(static_cast<double>(n));
}

bool SendQueue::TooOld(int64_t time_ms) const {
  const int64_t limit_ms = config_.queue.sample_age_limit_ms;
  return limit_ms > 0 && time_ms < parts_.clock->NowMs() - limit_ms;
}

std::optional<std::string> SendQueue::TakePosition() {
  while (!frames_.empty() && frames_.front().outstanding == 0) {
    position_ = std::move(frames_.front().position);
    frames_.pop_front();
    first_frame_++;
  }
  return std::exchange(position_, std::nullopt);
}

}  // namespace deucalion::remote
