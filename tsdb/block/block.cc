#include "tsdb/block/block.h"

#include <algorithm>

#include "tsdb/index/matcher_select.h"

namespace deucalion::tsdb {

StoredChunk DescribeChunk(const SampleColumns& samples, uint64_t bytes) {
  StoredChunk chunk{.min_ms = INT64_MAX, .max_ms = INT64_MIN, .bytes = bytes};
  const auto extend = [&](int64_t first_ms, int64_t last_ms) {
    chunk.min_ms = std::min(chunk.min_ms, first_ms);
    chunk.max_ms = std::max(chunk.max_ms, last_ms);
  };
  if (!samples.times.empty()) extend(samples.times.front(), samples.times.back());
  if (!samples.histograms.empty()) {
    extend(samples.histograms.front().time_ms, samples.histograms.back().time_ms);
  }
  chunk.samples = samples.times.size() + samples.histograms.size();
  chunk.histograms = !samples.histograms.empty();
  for (const HistogramPoint& p : samples.histograms) {
    chunk.buckets += p.histogram.positive_buckets.size() + p.histogram.negative_buckets.size();
  }
  return chunk;
}

std::shared_ptr<const Tombstones> Block::tombstones() const {
  MutexLock lock(mu_);
  return tombstones_;
}

void Block::SetTombstones(Tombstones tombstones) {
  auto shared = std::make_shared<const Tombstones>(std::move(tombstones));
  MutexLock lock(mu_);
  tombstones_ = std::move(shared);
}

Status Block::Read(SeriesNumber series, int64_t min_ms, int64_t max_ms, SampleColumns* out) const {
  const size_t floats = out->times.size(), histograms = out->histograms.size();
  RETURN_IF_ERROR(ReadRaw(series, min_ms, max_ms, out));
  const auto deleted = tombstones();
  if (deleted->empty()) return OkStatus();
  if (const TimeIntervals* intervals = deleted->Of(series)) {
    ApplyIntervals(*intervals, floats, histograms, out);
  }
  return OkStatus();
}

Result<Postings> Block::Select(const std::vector<Matcher>& matchers, int64_t min_ms, int64_t max_ms,
                               const CancelToken* cancel) const {
  ASSIGN_OR_RETURN(Postings selected, SelectSeries(index(), matchers, cancel));
  RETURN_IF_ERROR(Health());
  if (min_ms <= meta().min_ms && max_ms >= meta().max_ms - 1) return selected;
  std::vector<SeriesNumber> kept = std::move(selected).Take();
  const auto cursor = NewCursor();
  size_t n = 0;
  for (const SeriesNumber series : kept) {
    if (!cursor->Seek(series)) return cursor->status();
    kept[n] = series;
    n += cursor->MayOverlap(min_ms, max_ms);
  }
  kept.resize(n);
  return Postings::Own(std::move(kept));
}

}  // namespace deucalion::tsdb
