// sum_over_time and avg_over_time: every window is summed afresh, in time order, with
// Kahan-Neumaier compensation, because a running sum would round differently.
#include <cmath>
#include <memory>
#include <utility>

#include "promql/exec/kahan.h"
#include "promql/exec/notes.h"
#include "promql/functions/histogram_notes.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

double SumOf(const double* v, size_t n) {
  double sum = 0, c = 0;
  for (size_t i = 0; i < n; i++) KahanInc(v[i], &sum, &c);
  return std::isinf(sum) ? sum : sum + c;
}

// The plain mean unless the sum overflows; from there on an incremental one.
double MeanOf(const double* v, size_t n) {
  double sum = v[0], c = 0;
  size_t i = 1;
  for (; i < n; i++) {
    double new_sum = sum, new_c = c;
    KahanInc(v[i], &new_sum, &new_c);
    if (std::isinf(new_sum)) break;
    sum = new_sum;
    c = new_c;
  }
  if (i == n) return sum / static_cast<double>(n) + c / static_cast<double>(n);
  double mean = sum / static_cast<double>(i);
  c /= static_cast<double>(i);
  for (; i < n; i++) {
    const double count = static_cast<double>(i + 1);
    const double q = static_cast<double>(i) / count;
    mean *= q;
    c *= q;
    KahanInc(v[i] / count, &mean, &c);
  }
  return mean + c;
}

void HistogramStep(const RangeCall& call, const RangeSeries& s, size_t step, bool mean,
                   Annotations* annos, Row* out) {
  HistogramSum sum(mean);
  for (size_t i = s.hists->begin[step]; i < s.hists->end[step]; i++) {
    if (!sum.Add(*s.histograms[i].histogram)) {
      annos->Add(notes::MixedExponentialCustom(s.metric_name, call.pos));
      return;
    }
  }
  if (sum.reset_seen() && sum.not_reset_seen()) {
    annos->Add(notes::CounterResetCollision(notes::HistogramOp::kAggregate, call.pos));
  }
  if (sum.bounds_reconciled()) {
    annos->Add(notes::MismatchedCustomBuckets(notes::HistogramOp::kAggregate, call.pos));
  }
  out->SetHistogram(step, std::make_shared<FloatHistogram>(sum.Finish()));
}

template <typename OfFloats>
void Run(const RangeCall& call, const RangeSeries& s, bool mean, OfFloats of_floats, Worker* worker,
         Row* out) {
  for (size_t step = 0; step < call.grid.steps; step++) {
    const bool floats = !s.floats->Empty(step);
    const bool hists = s.hists != nullptr && !s.hists->Empty(step);
    if (floats && hists) {
      worker->annotations.Add(notes::MixedFloatsHistograms(s.metric_name, call.pos));
    } else if (floats) {
      out->SetFloat(step, of_floats(s.values.data() + s.floats->begin[step], s.floats->Size(step)));
    } else if (hists) {
      HistogramStep(call, s, step, mean, &worker->annotations, out);
    }
  }
}

}  // namespace

Status SumKernel(const RangeCall& call, const RangeSeries& series, Worker* worker, Row* out) {
  Run(call, series, false, SumOf, worker, out);
  return OkStatus();
}

Status AvgKernel(const RangeCall& call, const RangeSeries& series, Worker* worker, Row* out) {
  Run(call, series, true, MeanOf, worker, out);
  return OkStatus();
}

}  // namespace deucalion::promql
