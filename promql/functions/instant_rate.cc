// irate and idelta: the last two samples of the window, whatever their kind.
#include <memory>
#include <utility>

#include "promql/exec/notes.h"
#include "promql/functions/histogram_notes.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

struct Point {
  int64_t time_ms = 0;
  int64_t start_ms = 0;
  double value = 0;
  const FloatHistogram* histogram = nullptr;
};

// The last two samples of floats and histograms together; false when there are not two.
bool LastTwo(const RangeSeries& s, size_t step, Point* a, Point* b) {
  size_t f = s.floats->end[step], h = s.hists == nullptr ? 0 : s.hists->end[step];
  const size_t f_begin = s.floats->begin[step],
               h_begin = s.hists == nullptr ? 0 : s.hists->begin[step];
  if ((f - f_begin) + (h - h_begin) < 2) return false;
  auto take = [&](Point* p) {
    const bool from_floats =
        h == h_begin || (f > f_begin && s.times[f - 1] > s.histograms[h - 1].time_ms);
    if (from_floats) {
      f--;
      *p = {s.times[f], s.StartTimeOf(f), s.values[f], nullptr};
    } else {
      h--;
      const HistogramRef& r = s.histograms[h];
      *p = {r.time_ms, r.start_ms, 0, r.histogram};
    }
  };
  take(b);
  take(a);
  return true;
}

// The difference of two histograms; null when they do not go together.
HistogramPtr HistogramDifference(const RangeCall& call, const RangeSeries& s, const Point& a,
                                 const Point& b, double seconds, bool counter, Annotations* annos) {
  const bool gauge_a = a.histogram->reset_hint == ResetHint::kGauge;
  const bool gauge_b = b.histogram->reset_hint == ResetHint::kGauge;
  if (counter && (gauge_a || gauge_b)) annos->Add(notes::NativeNotCounter(s.metric_name, call.pos));
  if (!counter && !(gauge_a && gauge_b)) annos->Add(notes::NativeNotGauge(s.metric_name, call.pos));
  auto result = std::make_shared<FloatHistogram>(*b.histogram);
  const bool reset =
      counter && ((call.start_timestamps &&
                   IsStartTimestampReset(a.start_ms, a.time_ms, b.start_ms, b.time_ms)) ||
                  b.histogram->DetectReset(*a.histogram));
  if (!reset && !SubWithNotes(result.get(), *a.histogram, s.metric_name, call.pos, annos)) {
    return nullptr;
  }
  result->reset_hint = ResetHint::kGauge;
  result->Compact(0);
  if (counter) result->Div(seconds);
  return result;
}

}  // namespace

Status InstantRateKernel(const RangeCall& call, const RangeSeries& s, Worker* worker, Row* out) {
  const bool counter = call.id == FunctionId::kIrate;
  for (size_t step = 0; step < call.grid.steps; step++) {
    Point a, b;
    if (!LastTwo(s, step, &a, &b) || a.time_ms == b.time_ms) continue;
    const double seconds = static_cast<double>(b.time_ms - a.time_ms) / 1000;
    if (a.histogram == nullptr && b.histogram == nullptr) {
      const bool reset =
          counter && (b.value < a.value ||
                      (call.start_timestamps &&
                       IsStartTimestampReset(a.start_ms, a.time_ms, b.start_ms, b.time_ms)));
      const double difference = reset ? b.value : b.value - a.value;
      out->SetFloat(step, counter ? difference / seconds : difference);
    } else if (a.histogram != nullptr && b.histogram != nullptr) {
      HistogramPtr h = HistogramDifference(call, s, a, b, seconds, counter, &worker->annotations);
      if (h != nullptr) out->SetHistogram(step, std::move(h));
    } else {
      worker->annotations.Add(notes::MixedFloatsHistograms(s.metric_name, call.pos));
    }
  }
  return OkStatus();
}

}  // namespace deucalion::promql
