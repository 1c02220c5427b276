// resets and changes: how many neighbours in a window differ in a certain way.
//
// Whether a sample differs from the one before it does not depend on the window, so the events of a
// series are found once and each window counts those whose two samples lie in it.
#include <cmath>

#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

// One sample of the merged sequence of floats and histograms.
struct Point {
  int64_t time_ms = 0;
  int64_t start_ms = 0;
  double value = 0;
  const FloatHistogram* histogram = nullptr;
};

std::vector<Point> MergePoints(const RangeSeries& s) {
  std::vector<Point> points;
  points.reserve(s.times.size() + s.histograms.size());
  size_t f = 0, h = 0;
  while (f < s.times.size() || h < s.histograms.size()) {
    if (h == s.histograms.size() || (f < s.times.size() && s.times[f] < s.histograms[h].time_ms)) {
      points.push_back({s.times[f], s.StartTimeOf(f), s.values[f], nullptr});
      f++;
    } else {
      const HistogramRef& r = s.histograms[h++];
      points.push_back({r.time_ms, r.start_ms, 0, r.histogram});
    }
  }
  return points;
}

bool IsReset(const Point& a, const Point& b, bool start_timestamps) {
  if ((a.histogram == nullptr) != (b.histogram == nullptr)) return true;
  if (start_timestamps && IsStartTimestampReset(a.start_ms, a.time_ms, b.start_ms, b.time_ms)) {
    return true;
  }
  return a.histogram == nullptr ? b.value < a.value : b.histogram->DetectReset(*a.histogram);
}

bool IsChange(const Point& a, const Point& b, bool) {
  if ((a.histogram == nullptr) != (b.histogram == nullptr)) return true;
  if (a.histogram != nullptr) return !b.histogram->Equals(*a.histogram);
  return b.value != a.value && !(std::isnan(a.value) && std::isnan(b.value));
}

// Counts of events up to each window bound; `points` with bounds of their own because floats and
// histograms are one sequence here.
template <typename IsEvent>
void CountEvents(const RangeCall& call, const RangeSeries& s, IsEvent is_event, Row* out) {
  const std::vector<Point> points = MergePoints(s);
  std::vector<uint32_t> before(points.size());  // events at or before the sample
  for (size_t i = 1; i < points.size(); i++) {
    before[i] = before[i - 1] + (is_event(points[i - 1], points[i], call.start_timestamps) ? 1 : 0);
  }
  size_t begin = 0, end = 0;
  for (size_t step = 0; step < call.grid.steps; step++) {
    const int64_t range_end = call.RangeEnd(step), range_start = call.RangeStart(step);
    const int64_t from = call.window.anchored ? range_start - call.lookback_ms : range_start;
    while (end < points.size() && points[end].time_ms <= range_end) end++;
    while (begin < end && points[begin].time_ms <= from) begin++;
    size_t first = begin;
    if (call.window.anchored) {
      // The last sample at or before the start is the base; without one after it there is nothing.
      while (first < end && points[first].time_ms <= range_start) first++;
      if (first == end) continue;
      if (first > begin) first--;
    }
    if (first == end) continue;
    out->SetFloat(step, before[end - 1] - before[first]);
  }
}

}  // namespace

Status ResetsKernel(const RangeCall& call, const RangeSeries& series, Worker*, Row* out) {
  CountEvents(call, series, IsReset, out);
  return OkStatus();
}

Status ChangesKernel(const RangeCall& call, const RangeSeries& series, Worker*, Row* out) {
  CountEvents(call, series, IsChange, out);
  return OkStatus();
}

}  // namespace deucalion::promql
