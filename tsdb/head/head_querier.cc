#include "tsdb/head/head_querier.h"

#include <algorithm>
#include <bit>

#include "tsdb/head/label_order.h"
#include "tsdb/index/matcher_select.h"
#include "tsdb/storage/hinted_range.h"

namespace deucalion::tsdb {
namespace {

// Time up to which the view may see the in-order samples of a series.
int64_t VisibleMs(const HeadView& view, const Shard& shard, Slot slot, const SeriesRecord& r)
    REQUIRES(shard.mu) {
  int64_t visible = kMaxTimeMs;
  if (r.commit > view.watermark) visible = r.before_ms;
  return std::min(visible, shard.undo.VisibleMs(slot, view.watermark));
}

// Whether the view can see a sample in [min_ms, max_ms]; may say so wrongly for holes between
// samples and in front of sealed ones.
bool HasSamples(const HeadView& view, const Shard& shard, Slot slot, const SeriesRecord& r,
                int64_t min_ms, int64_t max_ms) REQUIRES(shard.mu) {
  if (r.id() == 0) return false;
  const SeriesSide* side = shard.FindSide(slot, r);
  if (side != nullptr) {
    const auto visible = [&](const auto& l) {
      return l.commit <= view.watermark && min_ms <= l.time_ms && l.time_ms <= max_ms;
    };
    if (std::any_of(side->late.begin(), side->late.end(), visible) ||
        std::any_of(side->late_histograms.begin(), side->late_histograms.end(), visible)) {
      return true;
    }
  }
  if (view.late_only) return false;
  const int64_t newest =
      std::min(VisibleMs(view, shard, slot, r), r.last_ms.load(std::memory_order_relaxed));
  if (newest == kMinTimeMs || newest < std::max(min_ms, view.floor_ms)) return false;
  if (max_ms < view.floor_ms) return false;
  // The usual case, and the record alone says so.
  if (newest <= max_ms) return true;
  // The begin of a sealed chunk is on disk: such a series counts as having samples.
  if (!shard.chunks.Sealed(r).empty()) return true;
  if (side != nullptr && side->histograms.count > 0) return side->histograms.first_ms <= max_ms;
  return r.count > 0 && shard.chunks.OpenMinMs(r) <= max_ms;
}

// The newest sample within [min_ms, max_ms] when the record alone says what it is.
HeadQuerier::Newest NewestInRecord(const HeadView& view, const Shard& shard, Slot slot,
                                   const SeriesRecord& r, int64_t min_ms, int64_t max_ms)
    REQUIRES(shard.mu) {
  const int64_t last = r.last_ms.load(std::memory_order_relaxed);
  if (r.Has(kFlagHistogram) || last < std::max(min_ms, view.floor_ms) ||
      last > std::min(max_ms, VisibleMs(view, shard, slot, r))) {
    return {};
  }
  const SeriesSide* side = shard.FindSide(slot, r);
  if (side != nullptr && !(side->late.empty() && side->late_histograms.empty() &&
                           side->starts.empty() && side->deleted.empty())) {
    return {};
  }
  return {last, std::bit_cast<double>(r.last_bits.load(std::memory_order_relaxed))};
}

// A record comes from memory while so many series are read.
constexpr size_t kRecordsAhead = 4;

class HeadSeriesSet final : public SeriesSet {
 public:
  // `newest`: empty, or one for each of `slots`.
  HeadSeriesSet(std::shared_ptr<HeadView> view, std::vector<Slot> slots,
                std::vector<HeadQuerier::Newest> newest, std::vector<uint32_t> key_names,
                const CancelToken* cancel)
      : view_(std::move(view)),
        slots_(std::move(slots)),
        newest_(std::move(newest)),
        key_names_(std::move(key_names)),
        cancel_(cancel) {}

  size_t size() const override { return slots_.size(); }
  void LabelsOf(size_t i, Labels* out) const override {
    view_->head->index().CopyLabels(LabelsRef(i), out->mutable_bytes());
  }
  void KeyLabelsOf(size_t i, Labels* out) const override {
    out->Clear();
    if (!key_names_.empty()) {
      view_->head->index().AppendPairs(LabelsRef(i), key_names_, out->mutable_bytes());
    }
  }
  // The record of a later series, and what the record of this one, fetched before, points to.
  void Prefetch(size_t i) const override {
    Head& head = *view_->head;
    if (i + kRecordsAhead < slots_.size()) head.slabs().Prefetch(slots_[i + kRecordsAhead]);
    const ArenaRef chunk = head.slabs().Record(slots_[i]).chunk;
    if (chunk != 0) __builtin_prefetch(head.chunk_arena().At(chunk));
  }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override {
    if (cancel_ != nullptr && cancel_->canceled()) return cancel_->Check();
    if (!newest_.empty() && newest_[i].time_ms != kMinTimeMs) {
      const HeadQuerier::Newest& newest = newest_[i];
      if (newest.time_ms >= min_ms && newest.time_ms <= max_ms) {
        out->times.push_back(newest.time_ms);
        out->values.push_back(newest.value);
        if (!out->start_times.empty()) out->start_times.push_back(0);
      }
      return OkStatus();
    }
    // Its buffers are worth keeping: a series is a microsecond of work.
    thread_local HeadSeriesReader reader;
    return reader.Read(*view_, slots_[i], min_ms, max_ms, out);
  }

 private:
  ArenaRef LabelsRef(size_t i) const {
    return view_->head->slabs().Record(slots_[i]).labels.load(std::memory_order_acquire);
  }

  const std::shared_ptr<HeadView> view_;
  const std::vector<Slot> slots_;
  const std::vector<HeadQuerier::Newest> newest_;
  const std::vector<uint32_t> key_names_;
  const CancelToken* const cancel_;
};

}  // namespace

// ---- reading a series ----

// Copies what the lock guards. False when the series has nothing for the view; lowers *max_ms to
// what the view may see of in-order samples.
bool HeadSeriesReader::CopyUnderLock(const HeadView& view, Slot slot, int64_t min_ms,
                                     int64_t late_min_ms, int64_t* max_ms) {
  Head& head = *view.head;
  Shard& shard = head.shard(head.slabs().ShardOf(slot));
  MutexLock lock(shard.mu);
  const SeriesRecord& r = head.slabs().Record(slot);
  if (r.id() == 0) return false;
  const int64_t asked_ms = *max_ms;
  *max_ms = view.late_only ? kMinTimeMs : std::min(asked_ms, VisibleMs(view, shard, slot, r));
  int64_t previous_max = kMinTimeMs;
  for (const SealedEntry& e : shard.chunks.Sealed(r)) {
    if (previous_max != kMinTimeMs && previous_max >= *max_ms) break;
    previous_max = e.max_ms;
    if (e.max_ms < min_ms) continue;
    Piece& piece = pieces_.emplace_back();
    piece.entry = e;
    if ((e.location & kInMemory) == 0) continue;
    const SealedChunkView chunk = shard.chunks.InMemory(e.location);
    piece.encoding = chunk.encoding;
    piece.count = chunk.count;
    piece.bytes = chunk.bytes;
  }
  if (r.last_ms.load(std::memory_order_relaxed) >= min_ms) shard.chunks.Copy(r, &open_);
  const SeriesSide* side = shard.FindSide(slot, r);
  if (side == nullptr) return true;
  if (r.Has(kFlagHistogram)) {
    histograms_ = side->histograms.entries;
    histograms_are_float_ = side->histograms.is_float;
  }
  const auto visible = [&](const auto& l) {
    return l.commit <= view.watermark && late_min_ms <= l.time_ms && l.time_ms <= asked_ms;
  };
  std::copy_if(side->late.begin(), side->late.end(), std::back_inserter(late_), visible);
  std::copy_if(side->late_histograms.begin(), side->late_histograms.end(),
               std::back_inserter(late_histograms_), visible);
  starts_ = side->starts;
  deleted_ = side->deleted;
  return true;
}

Status HeadSeriesReader::DecodeSealed(const HeadView& view, const Piece& piece, int64_t min_ms,
                                      int64_t max_ms, SampleColumns* out) {
  SealedChunkView chunk{.encoding = piece.encoding, .count = piece.count, .bytes = piece.bytes};
  if ((piece.entry.location & kInMemory) == 0) {
    ASSIGN_OR_RETURN(chunk, view.head->sealed().Read(piece.entry.location));
  }
  switch (chunk.encoding) {
    case ChunkEncoding::kXor:
    case ChunkEncoding::kRun:
      return DecodeFloats(chunk, min_ms, max_ms, out);
    case ChunkEncoding::kHistogram:
    case ChunkEncoding::kFloatHistogram:
      return DecodeHistograms(chunk, min_ms, max_ms, out);
  }
  return CorruptError("head chunk of unknown encoding");
}

Status HeadSeriesReader::Read(const HeadView& view, Slot slot, int64_t min_ms, int64_t max_ms,
                              SampleColumns* out) {
  // The floor is for in-order samples: late ones below it may be in no block yet.
  const int64_t late_min_ms = min_ms;
  min_ms = std::max(min_ms, view.floor_ms);
  if (late_min_ms > max_ms) return OkStatus();
  pieces_.clear();
  histograms_.clear();
  late_.clear();
  late_histograms_.clear();
  starts_.clear();
  deleted_.clear();
  open_.count = 0;
  int64_t visible_ms = max_ms;
  if (!CopyUnderLock(view, slot, min_ms, late_min_ms, &visible_ms)) return OkStatus();

  // What is appended may have to be merged, so it must not mix with what the caller has already.
  SampleColumns own;
  const bool apart =
      !late_.empty() || !late_histograms_.empty() || !deleted_.empty() || !starts_.empty();
  SampleColumns* to = apart ? &own : out;
  if (visible_ms >= min_ms) {
    for (const Piece& piece : pieces_) {
      RETURN_IF_ERROR(DecodeSealed(view, piece, min_ms, visible_ms, to));
    }
    RETURN_IF_ERROR(DecodeFloats(open_, min_ms, visible_ms, to));
    RETURN_IF_ERROR(
        DecodeHistogramEntries(histograms_, histograms_are_float_, min_ms, visible_ms, to));
  }
  if (!apart) {
    if (!out->start_times.empty()) out->start_times.resize(out->times.size());
    return OkStatus();
  }
  if (!starts_.empty()) {
    size_t s = 0;
    for (const int64_t t : own.times) {
      while (s + 1 < starts_.size() && starts_[s + 1].first <= t) s++;
      own.start_times.push_back(starts_[s].first <= t ? starts_[s].second : 0);
    }
  }
  MergeLate(late_, &own);
  RETURN_IF_ERROR(MergeLate(late_histograms_, &own));
  ApplyIntervals(deleted_, 0, 0, &own);
  if (!own.start_times.empty() || !out->start_times.empty()) {
    out->start_times.resize(out->times.size());
    own.start_times.resize(own.times.size());
    out->start_times.insert(out->start_times.end(), own.start_times.begin(), own.start_times.end());
  }
  out->times.insert(out->times.end(), own.times.begin(), own.times.end());
  out->values.insert(out->values.end(), own.values.begin(), own.values.end());
  std::move(own.histograms.begin(), own.histograms.end(), std::back_inserter(out->histograms));
  return OkStatus();
}

// ---- querier ----

HeadQuerier::HeadQuerier(Head* head, int64_t min_ms, int64_t max_ms, bool late_only)
    : view_(std::make_shared<HeadView>(head, late_only)),
      min_ms_(min_ms),
      max_ms_(max_ms),
      overlaps_((max_ms >= head->min_ms() || head->late_samples() > 0) &&
                min_ms <= head->max_ms()) {}

void HeadQuerier::KeepWithSamples(int64_t min_ms, int64_t max_ms, std::vector<Slot>* slots,
                                  std::vector<Newest>* newest) const {
  Head& head = *view_->head;
  if (slots->size() < head.num_shards()) {
    size_t kept = 0;
    for (const Slot slot : *slots) {
      const Shard& shard = head.shard(head.slabs().ShardOf(slot));
      MutexLock lock(shard.mu);
      const SeriesRecord& r = head.slabs().Record(slot);
      if (!HasSamples(*view_, shard, slot, r, min_ms, max_ms)) continue;
      if (newest != nullptr) {
        newest->push_back(NewestInRecord(*view_, shard, slot, r, min_ms, max_ms));
      }
      (*slots)[kept++] = slot;
    }
    slots->resize(kept);
    return;
  }
  // One lock per shard: visit in shard order, keep in the given order.
  std::vector<std::vector<uint32_t>> by_shard(head.num_shards());
  for (uint32_t i = 0; i < slots->size(); i++) {
    by_shard[head.slabs().ShardOf((*slots)[i])].push_back(i);
  }
  std::vector<bool> keep(slots->size());
  if (newest != nullptr) newest->resize(slots->size());
  for (uint32_t s = 0; s < head.num_shards(); s++) {
    if (by_shard[s].empty()) continue;
    Shard& shard = head.shard(s);
    MutexLock lock(shard.mu);
    const auto& mine = by_shard[s];
    for (size_t k = 0; k < mine.size(); k++) {
      if (k + 8 < mine.size()) head.slabs().Prefetch((*slots)[mine[k + 8]]);
      const Slot slot = (*slots)[mine[k]];
      const SeriesRecord& r = head.slabs().Record(slot);
      keep[mine[k]] = HasSamples(*view_, shard, slot, r, min_ms, max_ms);
      if (newest != nullptr && keep[mine[k]]) {
        (*newest)[mine[k]] = NewestInRecord(*view_, shard, slot, r, min_ms, max_ms);
      }
    }
  }
  size_t kept = 0;
  for (size_t i = 0; i < slots->size(); i++) {
    if (!keep[i]) continue;
    if (newest != nullptr) (*newest)[kept] = (*newest)[i];
    (*slots)[kept++] = (*slots)[i];
  }
  slots->resize(kept);
  if (newest != nullptr) newest->resize(kept);
}

void HeadQuerier::SortByLabels(std::vector<Slot>* slots, std::vector<Newest>* newest) const {
  std::vector<ArenaRef> labels;
  labels.reserve(slots->size());
  for (const Slot slot : *slots) {
    labels.push_back(view_->head->slabs().Record(slot).labels.load(std::memory_order_acquire));
  }
  const std::vector<uint32_t> order = OrderByLabels(view_->head->index(), labels);
  const auto apply = [&order](auto* column) {
    const auto old = *column;
    for (size_t i = 0; i < order.size(); i++) (*column)[i] = old[order[i]];
  };
  apply(slots);
  if (!newest->empty()) apply(newest);
}

std::unique_ptr<SeriesSet> HeadQuerier::SetOf(std::vector<Slot> slots,
                                              const CancelToken* cancel) const {
  std::vector<Newest> newest;
  SortByLabels(&slots, &newest);
  return std::make_unique<HeadSeriesSet>(view_, std::move(slots), std::move(newest),
                                         std::vector<uint32_t>{}, cancel);
}

Result<std::unique_ptr<SeriesSet>> HeadQuerier::Select(bool sorted, const SelectHints& hints,
                                                       const std::vector<Matcher>& matchers,
                                                       const CancelToken* cancel) {
  const HeadIndex& index = view_->head->index();
  std::vector<Slot> slots;
  std::vector<uint32_t> key_names;
  {
    ReaderLock lock(index.mu());
    ASSIGN_OR_RETURN(const Postings selected, SelectSeries(index, matchers, cancel));
    slots.reserve(selected.size());
    for (const SeriesNumber n : selected.view()) slots.push_back(index.SlotOf(n));
    for (const std::string& name : hints.key_labels) {
      const uint32_t id = index.NameId(name);
      if (id != UINT32_MAX) key_names.push_back(id);
    }
  }
  std::vector<Newest> newest;
  const HintedRange range(hints, min_ms_, max_ms_);
  KeepWithSamples(range.min_ms, range.max_ms, &slots, hints.newest_only ? &newest : nullptr);
  if (sorted && slots.size() > 1) SortByLabels(&slots, &newest);
  if (hints.limit != 0 && slots.size() > hints.limit) slots.resize(hints.limit);
  return std::unique_ptr<SeriesSet>(std::make_unique<HeadSeriesSet>(
      view_, std::move(slots), std::move(newest), std::move(key_names), cancel));
}

Result<std::vector<std::string>> HeadQuerier::LabelValues(const std::string& name,
                                                          const std::vector<Matcher>& matchers,
                                                          size_t limit, bool* truncated) {
  if (!overlaps_) return std::vector<std::string>();
  const HeadIndex& index = view_->head->index();
  ReaderLock lock(index.mu());
  ASSIGN_OR_RETURN(const BorrowedValues found,
                   SelectLabelValues(index, name, matchers, limit, truncated, nullptr));
  return found.Copy();
}

Result<std::vector<std::string>> HeadQuerier::LabelNames(const std::vector<Matcher>& matchers,
                                                         size_t limit, bool* truncated) {
  std::vector<std::string> names;
  if (!overlaps_) return names;
  const HeadIndex& index = view_->head->index();
  ReaderLock lock(index.mu());
  std::vector<bool> seen(index.num_names());
  if (matchers.empty()) {
    for (uint32_t i = 0; i < seen.size(); i++) seen[i] = index.NumValuesOf(i) > 0;
  } else {
    ASSIGN_OR_RETURN(const Postings selected, SelectSeries(index, matchers, nullptr));
    for (const SeriesNumber n : selected.view()) index.MarkNames(n, &seen);
  }
  for (uint32_t i = 0; i < seen.size(); i++) {
    if (seen[i]) names.emplace_back(index.NameText(i));
  }
  std::sort(names.begin(), names.end());
  if (limit != 0 && names.size() > limit) {
    names.resize(limit);
    if (truncated != nullptr) *truncated = true;
  }
  return names;
}

uint64_t HeadQuerier::EstimateSeries(const std::vector<Matcher>& matchers) {
  const HeadIndex& index = view_->head->index();
  ReaderLock lock(index.mu());
  return EstimateSelection(index, matchers);
}

}  // namespace deucalion::tsdb
