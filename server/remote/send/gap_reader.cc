#include "server/remote/send/gap_reader.h"

#include <algorithm>

namespace deucalion::remote {
namespace {

// Some twenty samples per series at the usual scrape interval: a selection costs about as much as
// reading that many.
constexpr int64_t kSliceMs = 5 * 60'000;
constexpr size_t kEnoughValues = 2000;
constexpr int64_t kLongestOpenNs = 10'000'000'000;
// Slices without any sample cost a selection each; the caller wants to be back now and then.
constexpr int kMostEmptySlices = 20;
constexpr uint64_t kOwnIds = uint64_t{1} << 63;

}  // namespace

GapReader::GapReader(Queryable* storage, Clock* clock, FeedGap gap)
    : storage_(storage), clock_(clock), gap_(gap), slice_ms_(gap.min_ms), last_id_(kOwnIds) {}

int64_t GapReader::SliceEndMs() const {
  return gap_.max_ms - slice_ms_ < kSliceMs ? gap_.max_ms : slice_ms_ + kSliceMs - 1;
}

Status GapReader::Next(FeedBatch* batch) {
  batch->Clear();
  batch->doubtful = true;
  int slices = 0;
  while (!done() && slices < kMostEmptySlices) {
    if (set_ == nullptr) RETURN_IF_ERROR(OpenSlice());
    while (next_ < set_->size()) {
      RETURN_IF_ERROR(ReadSeries(next_++, batch));
      if (batch->samples.size() + batch->histograms.size() >= kEnoughValues) break;
    }
    if (next_ < set_->size()) {
      if (clock_->MonotonicNs() - opened_ns_ > kLongestOpenNs) CloseSlice();
      return OkStatus();
    }
    EndSlice(batch);
    if (!batch->samples.empty() || !batch->histograms.empty()) return OkStatus();
    ++slices;
  }
  return OkStatus();
}

Status GapReader::OpenSlice() {
  const int64_t end_ms = SliceEndMs();
  ASSIGN_OR_RETURN(querier_, storage_->NewQuerier(slice_ms_, end_ms));
  ASSIGN_OR_RETURN(set_,
                   querier_->Select(true, {.min_ms = slice_ms_, .max_ms = end_ms}, {}, nullptr));
  opened_ns_ = clock_->MonotonicNs();
  next_ = 0;
  Labels labels;
  for (; resumed_ && next_ < set_->size(); ++next_) {
    set_->LabelsOf(next_, &labels);
    if (labels > last_) break;
  }
  return OkStatus();
}

void GapReader::CloseSlice() {
  resumed_ = next_ > 0;
  if (resumed_) set_->LabelsOf(next_ - 1, &last_);
  set_ = nullptr;
  querier_ = nullptr;
}

void GapReader::EndSlice(FeedBatch* batch) {
  batch->gone.insert(batch->gone.end(), ids_.begin(), ids_.end());
  ids_.clear();
  set_ = nullptr;
  querier_ = nullptr;
  resumed_ = false;
  slice_ms_ = SliceEndMs() + 1;
}

Status GapReader::ReadSeries(size_t i, FeedBatch* batch) {
  columns_.Clear();
  RETURN_IF_ERROR(set_->Read(i, slice_ms_, SliceEndMs(), &columns_));
  if (columns_.times.empty() && columns_.histograms.empty()) return OkStatus();
  const uint64_t id = ++last_id_;
  ids_.push_back(id);
  FeedSeries& series = batch->series.emplace_back();
  series.id = id;
  set_->LabelsOf(i, &series.labels);
  for (size_t k = 0; k < columns_.times.size(); ++k) {
    batch->samples.push_back({.id = id,
                              .time_ms = columns_.times[k],
                              .value = columns_.values[k],
                              .st_ms = columns_.start_times.empty() ? 0 : columns_.start_times[k]});
  }
  for (HistogramPoint& h : columns_.histograms) {
    batch->histograms.push_back({id, h.time_ms, h.st_ms, h.integer, std::move(h.histogram)});
  }
  return OkStatus();
}

}  // namespace deucalion::remote
