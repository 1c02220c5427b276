// rate, increase and delta of `anchored` and `smoothed` ranges.
//
// The window reaches back by the lookback (smoothed: forward too). Anchored takes the last sample
// at or before the range's start as the value there; smoothed interpolates the values at both
// bounds. No extrapolation in either case: the result is what happened between the bounds.
#include <algorithm>
#include <optional>
#include <utility>

#include "promql/exec/notes.h"
#include "promql/functions/histogram_notes.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

// Between two samples; a counter that went down began anew at zero.
double Interpolate(int64_t t1, double v1, int64_t t2, double v2, int64_t t, bool counter) {
  if (counter && v2 < v1) v1 = 0;
  return v1 + (v2 - v1) * static_cast<double>(t - t1) / static_cast<double>(t2 - t1);
}

class ExtendedRate {
 public:
  ExtendedRate(const RangeCall& call, const RangeSeries& series, Worker* worker)
      : call_(call),
        s_(series),
        annos_(&worker->annotations),
        counter_(call.id != FunctionId::kDelta),
        smoothed_(call.window.smoothed) {}

  void Run(Row* out) {
    for (size_t step = 0; step < call_.grid.steps; step++) {
      const bool floats = !s_.floats->Empty(step);
      const bool hists = s_.hists != nullptr && !s_.hists->Empty(step);
      start_ = call_.RangeStart(step);
      end_ = call_.RangeEnd(step);
      if (floats && hists) {
        annos_->Add(notes::MixedFloatsHistograms(s_.metric_name, call_.pos));
      } else if (floats) {
        FloatStep(step, out);
      } else if (hists) {
        HistogramStep(step, out);
      }
    }
  }

 private:
  struct Bounds {
    size_t first, last;
  };

  // First and last sample that matter, of n samples whose times are time(i). None when all lie
  // before the range (or, smoothed, after it).
  template <typename TimeOf>
  std::optional<Bounds> FindBounds(size_t n, TimeOf time) const {
    size_t last = n - 1;
    size_t first = 0;
    while (first < last && time(first) <= start_) first++;
    if (first > 0) first--;
    if (smoothed_) {
      size_t i = 0;
      while (i < last && time(i) < end_) i++;
      last = i;
    }
    if (time(last) <= start_) return std::nullopt;
    if (smoothed_ && time(first) > end_) return std::nullopt;
    return Bounds{first, last};
  }

  void FloatStep(size_t step, Row* out) {
    const uint32_t begin = s_.floats->begin[step];
    const auto times = s_.times.subspan(begin, s_.floats->Size(step));
    const auto v = s_.values.subspan(begin, times.size());
    const auto bounds = FindBounds(times.size(), [&](size_t i) { return times[i]; });
    if (!bounds) return;
    auto [first, last] = *bounds;
    double left = v[first], right = v[last];
    if (smoothed_ && times[first] < start_) {
      left = Interpolate(times[first], v[first], times[first + 1], v[first + 1], start_, counter_);
    }
    if (smoothed_ && last > 0 && times[last] > end_) {
      right = Interpolate(times[last - 1], v[last - 1], times[last], v[last], end_, counter_);
    }
    double result = right - left;
    if (counter_) {
      // The bounds have dealt with resets of their own: only samples strictly inside count.
      const size_t from = times[first] <= start_ ? first + 1 : first;
      const size_t to = times[last] >= end_ ? last : last + 1;
      double correction = 0, previous = left;
      for (size_t i = from; i < to; i++) {
        if (v[i] < previous) correction += previous;
        previous = v[i];
      }
      if (right < previous) correction += previous;
      result += correction;
    }
    if (call_.id == FunctionId::kRate) result /= call_.range_seconds();
    out->SetFloat(step, result);
  }

  std::optional<FloatHistogram> InterpolateHistograms(const HistogramRef& a, const HistogramRef& b,
                                                      int64_t t) {
    return InterpolateWithNotes(*a.histogram, a.time_ms, *b.histogram, b.time_ms, t, counter_,
                                s_.metric_name, call_.pos, annos_);
  }

  void HistogramStep(size_t step, Row* out) {
    const auto h = s_.histograms.subspan(s_.hists->begin[step], s_.hists->Size(step));
    const auto bounds = FindBounds(h.size(), [&](size_t i) { return h[i].time_ms; });
    if (!bounds) return;
    const auto [first, last] = *bounds;
    if (!Validate(h.subspan(first, last + 1 - first))) return;
    std::optional<FloatHistogram> left = *h[first].histogram, right = *h[last].histogram;
    if (smoothed_ && h[first].time_ms < start_) {
      left = InterpolateHistograms(h[first], h[first + 1], start_);
    }
    if (!left) return;
    if (smoothed_ && last > 0 && h[last].time_ms > end_) {
      right = InterpolateHistograms(h[last - 1], h[last], end_);
    }
    if (!right) return;
    if (!counter_ &&
        (left->reset_hint != ResetHint::kGauge || right->reset_hint != ResetHint::kGauge)) {
      annos_->Add(notes::NativeNotGauge(s_.metric_name, call_.pos));
    }
    auto result = std::make_shared<FloatHistogram>(*right);
    if (!Sub(result.get(), *left)) return;
    if (counter_ && !AddResets(h, first, last, *left, *right, result.get())) return;
    if (call_.id == FunctionId::kRate) result->Div(call_.range_seconds());
    result->reset_hint = ResetHint::kGauge;
    result->Compact(0);
    out->SetHistogram(step, std::move(result));
  }

  bool Validate(std::span<const HistogramRef> h) {
    for (const HistogramRef& p : h) {
      if (p.histogram->UsesCustomBuckets() != h[0].histogram->UsesCustomBuckets()) {
        annos_->Add(notes::MixedExponentialCustom(s_.metric_name, call_.pos));
        return false;
      }
      if (counter_ && p.histogram->reset_hint == ResetHint::kGauge) {
        annos_->Add(notes::NativeNotCounter(s_.metric_name, call_.pos));
      }
    }
    return true;
  }

  bool AddResets(std::span<const HistogramRef> h, size_t first, size_t last,
                 const FloatHistogram& left, const FloatHistogram& right, FloatHistogram* result) {
    size_t from = first + 1;  // `left` stands for the first
    const FloatHistogram* previous = &left;
    if (smoothed_ && h[first].time_ms < start_ &&
        h[first + 1].histogram->DetectReset(*h[first].histogram)) {
      // Interpolating to the left bound went over this reset already.
      previous = h[first + 1].histogram;
      from++;
    }
    if (from > last) return true;  // nothing between the bounds
    std::optional<FloatHistogram> correction;
    auto add = [&](const FloatHistogram& lost) {
      if (correction) return Add(&*correction, lost);
      correction = lost;
      return true;
    };
    for (size_t i = from; i < last; i++) {
      if (h[i].histogram->DetectReset(*previous) && !add(*previous)) return false;
      previous = h[i].histogram;
    }
    if (right.DetectReset(*previous) && !add(*previous)) return false;
    return !correction || Add(result, *correction);
  }

  bool Add(FloatHistogram* a, const FloatHistogram& b) {
    return AddWithNotes(a, b, s_.metric_name, call_.pos, annos_);
  }
  bool Sub(FloatHistogram* a, const FloatHistogram& b) {
    return SubWithNotes(a, b, s_.metric_name, call_.pos, annos_);
  }

  const RangeCall& call_;
  const RangeSeries& s_;
  Annotations* const annos_;
  const bool counter_;
  const bool smoothed_;
  int64_t start_ = 0, end_ = 0;  // of the present step's range
};

}  // namespace

Status ExtendedRateKernel(const RangeCall& call, const RangeSeries& series, Worker* worker,
                          Row* out) {
  ExtendedRate(call, series, worker).Run(out);
  return OkStatus();
}

}  // namespace deucalion::promql
