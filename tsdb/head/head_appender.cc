#include "tsdb/head/head_appender.h"

#include <fmt/core.h>

#include <bit>

#include "tsdb/head/histogram_bytes.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kPrefetchAhead = 8;
// Vectors above this are not worth keeping for the next transaction.
constexpr size_t kMaxKeptSamples = 1 << 20;
// Frames are looked at for splitting this often.
constexpr size_t kSplitEvery = 256;

Status UnknownSeries(Head* head) {
  head->counters().series_not_found.fetch_add(1, std::memory_order_relaxed);
  return NotFoundError("unknown series reference");
}

Status DuplicateSample(int64_t time_ms, double existing, double value) {
  return Status(
      StatusCode::kDuplicateSample,
      fmt::format("duplicate sample for timestamp {}; overrides not allowed: existing {}, "
                  "new value {}",
                  time_ms, FormatFloatG(existing), FormatFloatG(value)));
}

// Whether the out-of-order window before the newest sample reaches back to `time_ms`.
bool InWindow(int64_t time_ms, int64_t newest_ms, int64_t window_ms) {
  return newest_ms < kMinTimeMs + window_ms || time_ms >= newest_ms - window_ms;
}

}  // namespace

void CommitScratch::PerStream::Clear() {
  if (samples.capacity() > kMaxKeptSamples) samples = {};
  samples.clear();
  starts.clear();
  late.clear();
  histograms.clear();
  late_histograms.clear();
  batches.clear();
  histogram_ids.clear();
  exemplars.clear();
  metadata.clear();
  deletions.clear();
}

void CommitScratch::PerStream::EndBatch() {
  batches.push_back({samples.size(), histograms.size()});
  histogram_ids.clear();
}

std::unique_ptr<CommitScratch> ScratchPool::Take(uint32_t streams) {
  MutexLock lock(mu_);
  if (!free_.empty()) {
    auto scratch = std::move(free_.back());
    free_.pop_back();
    return scratch;
  }
  auto scratch = std::make_unique<CommitScratch>();
  scratch->streams.resize(streams);
  return scratch;
}

void ScratchPool::Give(std::unique_ptr<CommitScratch> scratch) {
  for (auto& part : scratch->streams) part.Clear();
  MutexLock lock(mu_);
  if (free_.size() < 8) free_.push_back(std::move(scratch));
}

HeadAppender::HeadAppender(Head* head, wal::Wal* wal, ScratchPool* pool,
                           const AppenderOptions& options)
    : head_(head),
      wal_(wal),
      pool_(pool),
      options_(options),
      pin_(head->pins().Pin()),
      appender_pin_(head->appender_pins().Pin()),
      min_valid_ms_(head->MinValidMs()),
      newest_ms_(head->max_ms()),
      scratch_(pool->Take(head->options().streams)) {}

HeadAppender::~HeadAppender() { (void)Rollback(); }

void HeadAppender::Finish() {
  if (scratch_ == nullptr) return;
  pool_->Give(std::move(scratch_));
  head_->appender_pins().Unpin(appender_pin_);
  head_->pins().Unpin(pin_);
}

Status HeadAppender::Rollback() {
  Finish();
  return OkStatus();
}

// ---- series ----

SeriesRef HeadAppender::Find(LabelsView labels, uint64_t hash, SeriesRef hint) {
  return head_->Find(labels, hash, hint);
}

Result<SeriesRef> HeadAppender::FindOrCreate(LabelsView labels, uint64_t hash, SeriesRef hint) {
  const SeriesRef found = head_->Find(labels, hash, hint);
  if (found != 0) return found;
  return head_->FindOrCreate(labels, hash);
}

// ---- checks ----

// The exact verdict, under the shard's lock. `value` is null for histograms.
Result<HeadAppender::Verdict> HeadAppender::Check(Slot slot, SeriesRecord* r, uint64_t id,
                                                  int64_t time_ms, const double* value,
                                                  std::string_view histogram) {
  Shard& shard = head_->shard(head_->slabs().ShardOf(slot));
  MutexLock lock(shard.mu);
  if (r->id() != id) return UnknownSeries(head_);
  r->Clear(kFlagLeaving);
  const int64_t last = r->last_ms.load(std::memory_order_relaxed);
  if (time_ms >= min_valid_ms_) {
    if (time_ms > last) return Verdict::kInOrder;
    if (time_ms == last) {
      const bool was_histogram = r->Has(kFlagHistogram);
      if (value != nullptr && was_histogram) {
        return Status(StatusCode::kDuplicateSample,
                      fmt::format("duplicate sample for timestamp {}; overrides not allowed: "
                                  "existing is a histogram, new value {}",
                                  time_ms, FormatFloatG(*value)));
      }
      if (value != nullptr) {
        const double existing = std::bit_cast<double>(r->last_bits.load(std::memory_order_relaxed));
        if (std::bit_cast<uint64_t>(existing) == std::bit_cast<uint64_t>(*value)) {
          return Verdict::kAlreadyThere;
        }
        return DuplicateSample(time_ms, existing, *value);
      }
      const SeriesSide* side = shard.FindSide(slot, *r);
      if (was_histogram && side != nullptr && side->histograms.last == histogram) {
        return Verdict::kAlreadyThere;
      }
      return Status(StatusCode::kDuplicateSample, "duplicate sample for timestamp");
    }
  }
  HeadCounters& counters = head_->counters();
  const size_t kind = value == nullptr ? 1 : 0;
  const int64_t window = head_->out_of_order_window_ms();
  if (window > 0) {
    if (InWindow(time_ms, newest_ms_, window)) {
      if (!options_.discard_out_of_order) return Verdict::kLate;
      counters.out_of_order[kind].fetch_add(1, std::memory_order_relaxed);
      return Status(StatusCode::kOutOfOrder, "out of order sample");
    }
    counters.too_old[kind].fetch_add(1, std::memory_order_relaxed);
    return Status(StatusCode::kTooOld, "too old sample");
  }
  if (time_ms < min_valid_ms_) {
    counters.out_of_bounds[kind].fetch_add(1, std::memory_order_relaxed);
    return Status(StatusCode::kOutOfBounds, "out of bounds");
  }
  counters.out_of_order[kind].fetch_add(1, std::memory_order_relaxed);
  return Status(StatusCode::kOutOfOrder, "out of order sample");
}

Status HeadAppender::Stage(SeriesRef ref, int64_t time_ms, double value, int64_t st_ms) {
  uint64_t id;
  SeriesRecord* r = head_->Resolve(ref, &id);
  if (r == nullptr) return UnknownSeries(head_);
  const Slot slot = static_cast<Slot>(ref);
  CommitScratch::PerStream& part = PartOf(id);
  StagedSample sample{.id = id, .slot = slot, .time_ms = time_ms, .value = value};
  if (st_ms != 0) {
    part.starts.push_back(st_ms);
    sample.start = static_cast<uint32_t>(part.starts.size());
  }
  if (r->Has(kFlagNative)) [[unlikely]] {
    bool is_float;
    if (IsStaleNan(value) && EndsHistograms(ref, &is_float)) {
      return StageStaleHistogram(ref, time_ms, st_ms, is_float);
    }
    if (part.histogram_ids.contains(id)) part.EndBatch();
  }
  if (time_ms <= r->last_ms.load(std::memory_order_relaxed) || time_ms < min_valid_ms_ ||
      r->Has(kFlagLeaving)) {
    ASSIGN_OR_RETURN(const Verdict verdict, Check(slot, r, id, time_ms, &value, {}));
    if (verdict == Verdict::kAlreadyThere) return OkStatus();
    if (verdict == Verdict::kLate) {
      part.late.push_back(sample);
      return OkStatus();
    }
  }
  part.samples.push_back(sample);
  return OkStatus();
}

bool HeadAppender::EndsHistograms(SeriesRef ref, bool* is_float) {
  const Slot slot = static_cast<Slot>(ref);
  Shard& shard = head_->shard(head_->slabs().ShardOf(slot));
  MutexLock lock(shard.mu);
  const SeriesRecord& r = head_->slabs().Record(slot);
  const SeriesSide* side = shard.FindSide(slot, r);
  if (!r.Has(kFlagHistogram) || side == nullptr) return false;
  *is_float = side->histograms.is_float;
  return true;
}

Status HeadAppender::StageStaleHistogram(SeriesRef ref, int64_t time_ms, int64_t st_ms,
                                         bool is_float) {
  std::string bytes;
  if (is_float) {
    FloatHistogram h;
    h.sum = StaleNan();
    EncodeHistogram(h, &bytes);
  } else {
    IntHistogram h;
    h.sum = StaleNan();
    EncodeHistogram(h, &bytes);
  }
  return StageHistogram(ref, time_ms, st_ms, is_float, std::move(bytes));
}

Status HeadAppender::Append(SeriesRef ref, int64_t time_ms, double value, int64_t st_ms) {
  CHECK(scratch_ != nullptr);
  return Stage(ref, time_ms, value, st_ms);
}

size_t HeadAppender::AppendBatch(std::span<const RefSample> samples,
                                 std::vector<SampleError>* errors) {
  CHECK(scratch_ != nullptr);
  size_t taken = 0;
  for (size_t i = 0; i < samples.size(); i++) {
    if (i + kPrefetchAhead < samples.size()) {
      const Slot ahead = static_cast<Slot>(samples[i + kPrefetchAhead].ref);
      if (head_->slabs().Contains(ahead)) head_->slabs().Prefetch(ahead);
    }
    Status status = Stage(samples[i].ref, samples[i].time_ms, samples[i].value, 0);
    if (status.ok()) {
      taken++;
    } else {
      errors->push_back({.index = i, .status = std::move(status)});
    }
  }
  return taken;
}

Status HeadAppender::StageHistogram(SeriesRef ref, int64_t time_ms, int64_t st_ms, bool is_float,
                                    std::string bytes) {
  CHECK(scratch_ != nullptr);
  uint64_t id;
  SeriesRecord* r = head_->Resolve(ref, &id);
  if (r == nullptr) return UnknownSeries(head_);
  const Slot slot = static_cast<Slot>(ref);
  ASSIGN_OR_RETURN(const Verdict verdict, Check(slot, r, id, time_ms, nullptr, bytes));
  if (verdict == Verdict::kAlreadyThere) return OkStatus();
  CommitScratch::PerStream& part = PartOf(id);
  r->Set(kFlagNative);
  if (verdict == Verdict::kInOrder) part.histogram_ids.insert(id);
  auto& to = verdict == Verdict::kLate ? part.late_histograms : part.histograms;
  to.push_back({.id = id,
                .slot = slot,
                .is_float = is_float,
                .time_ms = time_ms,
                .st_ms = st_ms,
                .bytes = std::move(bytes)});
  return OkStatus();
}

Status HeadAppender::AppendHistogram(SeriesRef ref, int64_t time_ms, const IntHistogram& histogram,
                                     int64_t st_ms) {
  RETURN_IF_ERROR(histogram.Validate());
  std::string bytes;
  EncodeHistogram(histogram, &bytes);
  return StageHistogram(ref, time_ms, st_ms, false, std::move(bytes));
}

Status HeadAppender::AppendFloatHistogram(SeriesRef ref, int64_t time_ms,
                                          const FloatHistogram& histogram, int64_t st_ms) {
  RETURN_IF_ERROR(histogram.Validate());
  std::string bytes;
  EncodeHistogram(histogram, &bytes);
  return StageHistogram(ref, time_ms, st_ms, true, std::move(bytes));
}

Status HeadAppender::AppendExemplar(SeriesRef ref, const Exemplar& exemplar) {
  CHECK(scratch_ != nullptr);
  uint64_t id;
  const SeriesRecord* r = head_->Resolve(ref, &id);
  if (r == nullptr) return UnknownSeries(head_);
  if (!head_->exemplars().enabled()) return OkStatus();
  head_->index().CopyLabels(r->labels.load(std::memory_order_acquire), &labels_);
  bool duplicate;
  Status valid = head_->exemplars().Validate(LabelsView(labels_), exemplar, &duplicate);
  if (valid.code() == StatusCode::kOutOfOrder) {
    head_->counters().exemplars_out_of_order.fetch_add(1, std::memory_order_relaxed);
  }
  RETURN_IF_ERROR(std::move(valid));
  if (duplicate) return OkStatus();
  PartOf(id).exemplars.push_back({.id = id, .slot = static_cast<Slot>(ref), .exemplar = exemplar});
  return OkStatus();
}

Status HeadAppender::UpdateMetadata(SeriesRef ref, const Metadata& metadata) {
  CHECK(scratch_ != nullptr);
  uint64_t id;
  const SeriesRecord* r = head_->Resolve(ref, &id);
  if (r == nullptr) return UnknownSeries(head_);
  const Slot slot = static_cast<Slot>(ref);
  {
    Shard& shard = head_->shard(head_->slabs().ShardOf(slot));
    MutexLock lock(shard.mu);
    const SeriesSide* side = shard.FindSide(slot, *r);
    if (side != nullptr && side->metadata != nullptr && *side->metadata == metadata) {
      return OkStatus();
    }
  }
  PartOf(id).metadata.push_back({.id = id, .slot = slot, .metadata = metadata});
  return OkStatus();
}

Status HeadAppender::Delete(SeriesRef ref, TimeInterval interval) {
  uint64_t id;
  if (head_->Resolve(ref, &id) == nullptr) return UnknownSeries(head_);
  // What comes later is not deleted.
  interval.max_ms = std::min(interval.max_ms, head_->max_ms());
  if (interval.min_ms > interval.max_ms) return OkStatus();
  PartOf(id).deletions.push_back({.id = id, .slot = static_cast<Slot>(ref), .interval = interval});
  return OkStatus();
}

// ---- commit ----

void HeadAppender::Introduce(Slot slot, uint64_t id, wal::CommitSink* sink) {
  wal::ValueState& state = head_->slabs().WalState(slot);
  if (state.introduced) return;
  head_->index().CopyLabels(head_->slabs().Record(slot).labels.load(std::memory_order_acquire),
                            &labels_);
  sink->encoder()->AddSeries(id, labels_);
  state.introduced = true;
  sink->Introduced(&state);
}

void HeadAppender::EncodeBatch(std::span<const StagedSample> samples,
                               std::span<const StagedHistogram> histograms,
                               std::span<const int64_t> starts, wal::CommitSink* sink) {
  wal::FrameEncoder* encoder = sink->encoder();
  const SeriesSlabs& slabs = head_->slabs();
  for (size_t i = 0; i < samples.size(); i++) {
    if (i + kPrefetchAhead < samples.size()) {
      __builtin_prefetch(&slabs.WalState(samples[i + kPrefetchAhead].slot), 1);
    }
    const StagedSample& s = samples[i];
    wal::ValueState& state = slabs.WalState(s.slot);
    if (!state.introduced) [[unlikely]]
      Introduce(s.slot, s.id, sink);
    encoder->AddSample(s.id, s.time_ms, s.value, &state);
    if (s.start != 0) encoder->SetStart(starts[s.start - 1]);
    if (i % kSplitEvery == kSplitEvery - 1) sink->MaybeSplit();
  }
  for (const StagedHistogram& h : histograms) {
    Introduce(h.slot, h.id, sink);
    encoder->AddHistogram(h.id, h.time_ms, h.st_ms, h.is_float, h.bytes);
    sink->MaybeSplit();
  }
}

void HeadAppender::EncodeLate(const CommitScratch::PerStream& part, wal::CommitSink* sink) {
  wal::FrameEncoder* encoder = sink->encoder();
  for (const StagedSample& s : part.late) {
    Introduce(s.slot, s.id, sink);
    encoder->AddLate(s.id, s.time_ms, s.value, s.start == 0 ? 0 : part.starts[s.start - 1]);
    sink->MaybeSplit();
  }
  for (const StagedHistogram& h : part.late_histograms) {
    Introduce(h.slot, h.id, sink);
    encoder->AddLateHistogram(h.id, h.time_ms, h.st_ms, h.is_float, h.bytes);
    sink->MaybeSplit();
  }
}

void HeadAppender::Encode(const CommitScratch::PerStream& part, wal::CommitSink* sink) {
  bool first = true;
  part.ForEachBatch([&](auto samples, auto histograms) {
    if (!first) sink->Split();
    first = false;
    EncodeBatch(samples, histograms, part.starts, sink);
  });
  EncodeLate(part, sink);
  wal::FrameEncoder* encoder = sink->encoder();
  for (const auto& e : part.exemplars) {
    Introduce(e.slot, e.id, sink);
    encoder->AddExemplar(e.id, e.exemplar);
  }
  for (const auto& m : part.metadata) {
    Introduce(m.slot, m.id, sink);
    encoder->AddMetadata(m.id, m.metadata);
    sink->MaybeSplit();
  }
  for (const auto& d : part.deletions) {
    Introduce(d.slot, d.id, sink);
    encoder->AddDeletion(d.id, d.interval.min_ms, d.interval.max_ms);
    sink->MaybeSplit();
  }
}

// Whether an overtaken sample goes among the late ones; counts it if not.
bool HeadAppender::TakeOvertaken(bool by_another, int64_t time_ms, bool histogram) {
  if (by_another) return true;
  const int64_t window = head_->out_of_order_window_ms();
  const bool inside = window > 0 && InWindow(time_ms, newest_ms_, window);
  if (inside && !options_.discard_out_of_order) return true;
  HeadCounters& counters = head_->counters();
  auto& counter = window > 0 && !inside ? counters.too_old : counters.out_of_order;
  counter[histogram].fetch_add(1, std::memory_order_relaxed);
  return false;
}

// Moves what turns out to be late to *late.
void HeadAppender::ApplyInOrder(uint64_t commit, CommitScratch::PerStream* part,
                                CommitScratch::PerStream* late, Head::Applied* applied) {
  part->ForEachBatch([&](auto samples, auto histograms) {
    if (!samples.empty()) head_->ApplySamples(commit, samples, part->starts, applied);
    for (const auto& o : applied->overtaken) {
      const StagedSample& s = samples[o.index];
      if (!TakeOvertaken(o.by_another, s.time_ms, false)) continue;
      late->late.push_back(s);
      if (s.start == 0) continue;
      late->starts.push_back(part->starts[s.start - 1]);
      late->late.back().start = static_cast<uint32_t>(late->starts.size());
    }
    applied->overtaken.clear();
    if (!histograms.empty()) head_->ApplyHistograms(commit, histograms, applied);
    for (const auto& o : applied->overtaken) {
      const StagedHistogram& h = histograms[o.index];
      if (TakeOvertaken(o.by_another, h.time_ms, true)) late->late_histograms.push_back(h);
    }
    applied->overtaken.clear();
  });
}

// Fails only when a sample that turned out to be late cannot be written to the WAL as such.
Status HeadAppender::Apply() {
  const uint64_t commit = head_->isolation().Begin();
  Head::Applied applied;
  HeadCounters& counters = head_->counters();
  Status status;
  for (uint32_t i = 0; i < scratch_->streams.size(); i++) {
    CommitScratch::PerStream& part = scratch_->streams[i];
    if (part.empty()) continue;
    CommitScratch::PerStream overtaken;
    ApplyInOrder(commit, &part, &overtaken, &applied);
    if (!overtaken.empty()) {
      // Replay would find it out of order too and leave it out.
      Status logged =
          wal_->stream(i)->Commit([&](wal::CommitSink* sink) { EncodeLate(overtaken, sink); });
      if (logged.ok()) {
        head_->ApplyLate(commit, overtaken.late, overtaken.starts, &applied);
        head_->ApplyLateHistograms(commit, overtaken.late_histograms, &applied);
        counters.late += overtaken.late.size() + overtaken.late_histograms.size();
      } else {
        status = std::move(logged);
      }
    }
    head_->ApplyLate(commit, part.late, part.starts, &applied);
    head_->ApplyLateHistograms(commit, part.late_histograms, &applied);
    for (const auto& m : part.metadata) head_->SetMetadata(m.slot, m.id, m.metadata);
    for (const auto& d : part.deletions) head_->AddDeletion(d.slot, d.id, d.interval);
    uint64_t exemplars = 0;
    for (const auto& e : part.exemplars) {
      head_->index().CopyLabels(head_->slabs().Record(e.slot).labels.load(), &labels_);
      exemplars += head_->exemplars().Add(LabelsView(labels_), e.exemplar);
    }
    const size_t late = part.late.size() + part.late_histograms.size();
    counters.samples.fetch_add(part.samples.size() + part.late.size(), std::memory_order_relaxed);
    counters.histogram_samples.fetch_add(part.histograms.size() + part.late_histograms.size(),
                                         std::memory_order_relaxed);
    counters.late.fetch_add(late, std::memory_order_relaxed);
    counters.exemplars.fetch_add(exemplars, std::memory_order_relaxed);
  }
  head_->Widen(applied);
  head_->isolation().Publish(commit);
  for (const auto& part : scratch_->streams) {
    for (const auto& d : part.deletions) {
      head_->changes().Add(d.interval.min_ms, d.interval.max_ms);
    }
  }
  // Late samples, and others that were overtaken by a newer commit on their way.
  const int64_t horizon = head_->StableHorizonMs();
  if (applied.min_ms < horizon) {
    head_->changes().Add(applied.min_ms, std::min(applied.max_ms, horizon));
  }
  return status;
}

Status HeadAppender::Commit() {
  CHECK(scratch_ != nullptr);
  bool any = false;
  // A stream that is known to refuse is asked first: the others would keep their part.
  for (uint32_t i = 0; i < scratch_->streams.size(); i++) {
    if (scratch_->streams[i].empty()) continue;
    Status health = wal_->stream(i)->health();
    if (health.ok()) continue;
    Finish();
    return health;
  }
  for (uint32_t i = 0; i < scratch_->streams.size(); i++) {
    const CommitScratch::PerStream& part = scratch_->streams[i];
    if (part.empty()) continue;
    any = true;
    Status status = wal_->stream(i)->Commit([&](wal::CommitSink* sink) { Encode(part, sink); });
    if (!status.ok()) {
      Finish();
      return status;
    }
  }
  Status status = any ? Apply() : OkStatus();
  Finish();
  return status;
}

}  // namespace deucalion::tsdb
