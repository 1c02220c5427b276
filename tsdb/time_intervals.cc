#include "tsdb/time_intervals.h"

#include <algorithm>

namespace deucalion::tsdb {
namespace {

// Whether b begins inside or right behind a.
bool Touches(const TimeInterval& a, const TimeInterval& b) {
  return a.max_ms == INT64_MAX || b.min_ms <= a.max_ms + 1;
}

}  // namespace

void AddInterval(TimeIntervals* intervals, TimeInterval added) {
  TimeIntervals merged;
  for (const TimeInterval& i : *intervals) {
    if (!Touches(i, added)) {
      merged.push_back(i);
    } else if (Touches(added, i)) {
      added.min_ms = std::min(added.min_ms, i.min_ms);
      added.max_ms = std::max(added.max_ms, i.max_ms);
    }
  }
  merged.push_back(added);
  for (const TimeInterval& i : *intervals) {
    if (!Touches(added, i)) merged.push_back(i);
  }
  *intervals = std::move(merged);
}

bool Overlaps(const TimeIntervals& intervals, int64_t min_ms, int64_t max_ms) {
  return std::any_of(intervals.begin(), intervals.end(), [&](const TimeInterval& i) {
    return i.min_ms <= max_ms && i.max_ms >= min_ms;
  });
}

void ApplyIntervals(const TimeIntervals& intervals, size_t floats_begin, size_t histograms_begin,
                    SampleColumns* out) {
  size_t kept = floats_begin;
  const bool started = !out->start_times.empty();
  for (size_t i = floats_begin; i < out->times.size(); ++i) {
    if (Overlaps(intervals, out->times[i], out->times[i])) continue;
    out->times[kept] = out->times[i];
    out->values[kept] = out->values[i];
    if (started) out->start_times[kept] = out->start_times[i];
    ++kept;
  }
  out->times.resize(kept);
  out->values.resize(kept);
  if (started) out->start_times.resize(kept);
  const auto gone = std::remove_if(
      out->histograms.begin() + static_cast<ptrdiff_t>(histograms_begin), out->histograms.end(),
      [&](const HistogramPoint& p) { return Overlaps(intervals, p.time_ms, p.time_ms); });
  out->histograms.erase(gone, out->histograms.end());
}

}  // namespace deucalion::tsdb
