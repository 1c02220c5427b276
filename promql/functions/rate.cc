// rate, increase, delta.
//
// The difference between the last and the first sample of the window, plus what counter resets hid,
// extrapolated to the window's bounds: all the way when a sample would have been expected beyond
// (1.1 times the mean distance), else by half that distance, and never so far that a counter would
// start below zero. A start timestamp inside the window stands for a sample of value zero.
//
// Counter resets are found once per series; a window walks those that lie in it, in order, so the
// sum is the one a plain loop over the window's samples makes.
#include <algorithm>
#include <utility>

#include "promql/exec/notes.h"
#include "promql/exec/scan.h"
#include "promql/functions/histogram_notes.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

// Where a series begins anew, and where start timestamps contradict the sample before.
struct CounterEvents {
  std::vector<uint32_t> resets;    // index of the sample after the reset
  std::vector<uint32_t> overlaps;  // likewise
};

bool StartOverlaps(int64_t previous_start, int64_t previous_time, int64_t start) {
  return start != 0 && start < previous_time && start != previous_start;
}

void FindResets(const RangeSeries& s, bool start_timestamps, CounterEvents* events) {
  const size_t n = s.values.size();
  const double* v = s.values.data();
  for (size_t i = NextDrop(v, 1, n); i < n; i = NextDrop(v, i + 1, n)) {
    events->resets.push_back(static_cast<uint32_t>(i));
  }
  if (!start_timestamps || s.start_times.empty()) return;
  events->resets.clear();
  for (size_t i = 1; i < n; i++) {
    const int64_t before = s.start_times[i - 1];
    if (v[i] < v[i - 1] ||
        IsStartTimestampReset(before, s.times[i - 1], s.start_times[i], s.times[i])) {
      events->resets.push_back(static_cast<uint32_t>(i));
    }
    if (StartOverlaps(before, s.times[i - 1], s.start_times[i])) {
      events->overlaps.push_back(static_cast<uint32_t>(i));
    }
  }
}

struct Edges {
  int64_t range_start, range_end, first_time, last_time;
  size_t samples;
  int64_t first_start;  // start timestamp of the first sample, 0 when it does not count
};

// What the times alone say.
RateEdge EdgeOf(const Edges& e) {
  RateEdge edge;
  edge.to_start = static_cast<double>(e.first_time - e.range_start) / 1000;
  edge.to_end = static_cast<double>(e.range_end - e.last_time) / 1000;
  edge.sampled = static_cast<double>(e.last_time - e.first_time) / 1000;
  const double mean = e.samples > 1 ? edge.sampled / static_cast<double>(e.samples - 1) : 0;
  const double threshold = mean * 1.1;
  if (edge.to_start >= threshold) edge.to_start = mean / 2;
  if (edge.to_end >= threshold) edge.to_end = mean / 2;
  return edge;
}

double Stretch(const RateEdge& e, double to_start) {
  return e.sampled == 0 ? 1 : (e.sampled + to_start + e.to_end) / e.sampled;
}

// How far a difference of `result` between first and last sample is stretched. `first_value` and
// `result` are counts in the case of histograms. `zero_sample`: the start timestamp took the place
// of extrapolation to the left.
double Stretch(const Edges& e, bool counter, double first_value, double result, bool zero_sample) {
  RateEdge edge = EdgeOf(e);
  if (zero_sample) {
    edge.to_start = 0;
    edge.sampled = static_cast<double>(e.last_time - e.first_start) / 1000;
  } else if (counter && result > 0 && first_value >= 0) {
    edge.to_start = std::min(edge.to_start, edge.sampled * (first_value / result));
  }
  return Stretch(edge, edge.to_start);
}

bool HasZeroSample(const Edges& e, bool counter) {
  return counter && e.first_start != 0 && e.first_start > e.range_start &&
         e.first_start < e.first_time;
}

bool IsCounter(const RangeCall& call) { return call.id != FunctionId::kDelta; }

// `result`: last less first, what resets hid added.
double Extrapolate(const RangeCall& call, const Edges& e, double first_value, double result,
                   bool zero_sample) {
  double factor = Stretch(e, IsCounter(call), first_value, result, zero_sample);
  if (call.id == FunctionId::kRate) factor /= call.range_seconds();
  return result * factor;
}

class RateOfSeries {
 public:
  RateOfSeries(const RangeCall& call, const RangeSeries& series, Worker* worker)
      : call_(call),
        s_(series),
        worker_(worker),
        counter_(IsCounter(call)),
        per_second_(call.id == FunctionId::kRate) {
    if (counter_) FindResets(series, call.start_timestamps, &events_);
  }

  void Run(Row* out) {
    if (s_.hists == nullptr && !call_.start_timestamps && s_.floats == &worker_->range.floats) {
      RunOnTimes(out);
      return;
    }
    for (size_t step = 0; step < call_.grid.steps; step++) {
      const bool floats = !s_.floats->Empty(step);
      const bool hists = s_.hists != nullptr && !s_.hists->Empty(step);
      if (floats && hists) {
        worker_->annotations.Add(notes::MixedFloatsHistograms(s_.metric_name, call_.pos));
      } else if (floats) {
        FloatStep(step, out);
      } else if (hists) {
        HistogramStep(step, out);
      }
    }
  }

 private:
  Edges EdgesOf(size_t step, int64_t first_time, int64_t last_time, size_t n, int64_t start) const {
    return {call_.RangeStart(step),
            call_.RangeEnd(step),
            first_time,
            last_time,
            n,
            call_.start_timestamps ? start : 0};
  }

  void FloatStep(size_t step, Row* out) {
    const uint32_t begin = s_.floats->begin[step], end = s_.floats->end[step];
    const Edges e =
        EdgesOf(step, s_.times[begin], s_.times[end - 1], end - begin, s_.StartTimeOf(begin));
    const bool zero_sample = HasZeroSample(e, counter_);
    if (end - begin < 2 && !zero_sample) return;
    double result = s_.values[end - 1] - s_.values[begin];
    if (counter_) result = AddResets(begin, end, result);
    if (zero_sample) result += s_.values[begin];
    out->SetFloat(step, Extrapolate(call_, e, s_.values[begin], result, zero_sample));
  }

  // Floats only: what follows from the times is worked out once for all series that share them.
  void RunOnTimes(Row* out) {
    std::vector<RateEdge>& edges = worker_->range.edges;
    if (edges.empty()) FindEdges(&edges);
    const double* values = s_.values.data();
    const bool resets = !events_.resets.empty();
    for (size_t step = 0; step < edges.size(); step++) {
      const RateEdge& e = edges[step];
      if (e.sampled < 0) continue;
      const uint32_t begin = s_.floats->begin[step], end = s_.floats->end[step];
      const double first = values[begin];
      double result = values[end - 1] - first;
      if (resets) result = AddResets(begin, end, result);
      out->SetFloat(
          step, result * (ZeroIsNear(e, first, result) ? FactorFrom(e, first, result) : e.factor));
    }
  }

  void FindEdges(std::vector<RateEdge>* edges) const {
    edges->resize(call_.grid.steps);
    for (size_t step = 0; step < edges->size(); step++) {
      const uint32_t begin = s_.floats->begin[step], end = s_.floats->end[step];
      if (end - begin < 2) continue;
      RateEdge& e = (*edges)[step];
      e = EdgeOf(EdgesOf(step, s_.times[begin], s_.times[end - 1], end - begin, 0));
      e.factor = PerSecond(Stretch(e, e.to_start));
    }
  }

  double PerSecond(double factor) const {
    return per_second_ ? factor / call_.range_seconds() : factor;
  }

  // Whether a counter may have been at zero within `to_start` before its first sample. Says so
  // wrongly where a product might be rounded the wrong way.
  bool ZeroIsNear(const RateEdge& e, double first, double result) const {
    if (!counter_ || !(result > 0) || !(first >= 0)) return false;
    constexpr double kMargin = 1 + 1e-6, kLeast = 1e-290;
    const double reach = e.to_start * result * kMargin;
    return !(first * e.sampled > reach && reach > kLeast);
  }
  double FactorFrom(const RateEdge& e, double first, double result) const {
    const double to_start = std::min(e.to_start, e.sampled * (first / result));
    return PerSecond(Stretch(e, to_start));
  }

  // Adds the values before each reset in (begin, end).
  double AddResets(uint32_t begin, uint32_t end, double result) {
    while (reset_ < events_.resets.size() && events_.resets[reset_] <= begin) reset_++;
    for (size_t i = reset_; i < events_.resets.size() && events_.resets[i] < end; i++) {
      result += s_.values[events_.resets[i] - 1];
    }
    while (overlap_ < events_.overlaps.size() && events_.overlaps[overlap_] <= begin) overlap_++;
    if (overlap_ < events_.overlaps.size() && events_.overlaps[overlap_] < end) {
      worker_->annotations.Add(notes::StartTimeOverlap(s_.metric_name, call_.pos));
    }
    return result;
  }

  void HistogramStep(size_t step, Row* out) {
    const uint32_t begin = s_.hists->begin[step];
    const size_t n = s_.hists->end[step] - begin;
    const std::span<const HistogramRef> points = s_.histograms.subspan(begin, n);
    const Edges e = EdgesOf(step, points[0].time_ms, points[n - 1].time_ms, n, points[0].start_ms);
    const bool zero_sample = HasZeroSample(e, counter_);
    if (n < 2 && !zero_sample) return;
    auto result = std::make_shared<FloatHistogram>();
    if (n == 1) {
      *result = *points[0].histogram;
    } else {
      if (!Difference(points, result.get())) return;
      if (zero_sample && !AddWithNotes(result.get(), *points[0].histogram, s_.metric_name,
                                       call_.pos, &worker_->annotations)) {
        return;
      }
    }
    result->Mul(
        PerSecond(Stretch(e, counter_, points[0].histogram->count, result->count, zero_sample)));
    out->SetHistogram(step, std::move(result));
  }

  bool ResetBetween(const HistogramRef& a, const HistogramRef& b,
                    const FloatHistogram& previous) const {
    if (call_.start_timestamps &&
        IsStartTimestampReset(a.start_ms, a.time_ms, b.start_ms, b.time_ms)) {
      return true;
    }
    return b.histogram->DetectReset(previous);
  }

  // Last minus first, resets added. False when layouts do not go together (with an annotation).
  bool Difference(std::span<const HistogramRef> points, FloatHistogram* out) {
    Annotations& annos = worker_->annotations;
    const FloatHistogram* first = points.front().histogram;
    const FloatHistogram& last = *points.back().histogram;
    // The layout of a first sample before a reset does not matter: only what came after it counts.
    FloatHistogram nothing;
    if (counter_) {
      NoteGauges(points);
      if (ResetBetween(points[0], points[1], *first)) {
        nothing.schema = points[1].histogram->schema;
        nothing.custom_values = points[1].histogram->custom_values;
        first = &nothing;
      }
    }
    int32_t schema = std::min(last.schema, first->schema);
    const bool custom = first->UsesCustomBuckets();
    bool mixed = last.UsesCustomBuckets() != custom;
    if (counter_) {
      for (const HistogramRef& p : points.subspan(1, points.size() - 2)) {
        schema = std::min(schema, p.histogram->schema);
        mixed = mixed || p.histogram->UsesCustomBuckets() != custom;
      }
    }
    if (mixed) {
      annos.Add(notes::MixedExponentialCustom(s_.metric_name, call_.pos));
      return false;
    }
    *out = last;
    if (!custom) out->ReduceResolution(schema);
    if (!SubWithNotes(out, *first, s_.metric_name, call_.pos, &annos)) return false;
    if (counter_) {
      if (!AddHistogramResets(points, first, out)) return false;
    } else if (points.front().histogram->reset_hint != ResetHint::kGauge ||
               last.reset_hint != ResetHint::kGauge) {
      annos.Add(notes::NativeNotGauge(s_.metric_name, call_.pos));
    }
    out->reset_hint = ResetHint::kGauge;
    out->Compact(0);
    return true;
  }

  void NoteGauges(std::span<const HistogramRef> points) {
    for (const HistogramRef& p : points) {
      if (p.histogram->reset_hint != ResetHint::kGauge) continue;
      worker_->annotations.Add(notes::NativeNotCounter(s_.metric_name, call_.pos));
      return;
    }
  }

  bool AddHistogramResets(std::span<const HistogramRef> points, const FloatHistogram* previous,
                          FloatHistogram* out) {
    bool overlap = false;
    for (size_t i = 1; i < points.size(); i++) {
      const HistogramRef& a = points[i - 1];
      const HistogramRef& b = points[i];
      overlap =
          overlap || (call_.start_timestamps && StartOverlaps(a.start_ms, a.time_ms, b.start_ms));
      if (ResetBetween(a, b, *previous) &&
          !AddWithNotes(out, *previous, s_.metric_name, call_.pos, &worker_->annotations)) {
        return false;
      }
      previous = b.histogram;
    }
    if (overlap) worker_->annotations.Add(notes::StartTimeOverlap(s_.metric_name, call_.pos));
    return true;
  }

  const RangeCall& call_;
  const RangeSeries& s_;
  Worker* const worker_;
  const bool counter_;
  const bool per_second_;
  CounterEvents events_;
  size_t reset_ = 0;    // first of events_.resets that can still matter
  size_t overlap_ = 0;  // likewise
};

}  // namespace

std::optional<double> RateOfEnds(const RangeCall& call, size_t step, const WindowEnds& ends) {
  if (ends.count < 2) return std::nullopt;
  double result = ends.last - ends.first;
  if (IsCounter(call)) {
    for (const double v : ends.before_resets) result += v;
  }
  const Edges e = {call.RangeStart(step), call.RangeEnd(step), ends.first_ms,
                   ends.last_ms,          ends.count,          0};
  return Extrapolate(call, e, ends.first, result, false);
}

Status RateKernel(const RangeCall& call, const RangeSeries& series, Worker* worker, Row* out) {
  if (call.window.anchored || call.window.smoothed) {
    return ExtendedRateKernel(call, series, worker, out);
  }
  RateOfSeries(call, series, worker).Run(out);
  return OkStatus();
}

}  // namespace deucalion::promql
