// stddev_over_time, stdvar_over_time, quantile_over_time, mad_over_time.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "promql/exec/kahan.h"
#include "promql/exec/notes.h"
#include "promql/functions/quantile.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

// Welford's variance with compensated mean and sum of squares.
double VarianceOf(const double* v, size_t n) {
  double mean = 0, mean_c = 0, aux = 0, aux_c = 0;
  for (size_t i = 0; i < n; i++) {
    const double delta = v[i] - (mean + mean_c);
    KahanInc(delta / static_cast<double>(i + 1), &mean, &mean_c);
    KahanInc(delta * (v[i] - (mean + mean_c)), &aux, &aux_c);
  }
  return (aux + aux_c) / static_cast<double>(n);
}

// f(step, values, n) for windows with floats; histograms beside them are ignored with an info.
template <typename F>
void ForEachFloatWindow(const RangeCall& call, const RangeSeries& s, Worker* worker, F&& f) {
  for (size_t step = 0; step < call.grid.steps; step++) {
    if (s.floats->Empty(step)) continue;
    if (s.hists != nullptr && !s.hists->Empty(step)) {
      worker->annotations.Add(notes::HistogramIgnoredInMixedRange(s.metric_name, call.pos));
    }
    f(step, s.values.data() + s.floats->begin[step], s.floats->Size(step));
  }
}

}  // namespace

Status VarianceKernel(const RangeCall& call, const RangeSeries& s, Worker* worker, Row* out) {
  const bool root = call.id == FunctionId::kStddevOverTime;
  ForEachFloatWindow(call, s, worker, [&](size_t step, const double* v, size_t n) {
    const double variance = VarianceOf(v, n);
    out->SetFloat(step, root ? std::sqrt(variance) : variance);
  });
  return OkStatus();
}

Status QuantileKernel(const RangeCall& call, const RangeSeries& s, Worker* worker, Row* out) {
  std::vector<double>& sorted = worker->scratch;
  ForEachFloatWindow(call, s, worker, [&](size_t step, const double* v, size_t n) {
    const double q = call.scalars[0][step];
    if (std::isnan(q) || q < 0 || q > 1) {
      worker->annotations.Add(notes::InvalidQuantile(q, call.pos));
    }
    sorted.assign(v, v + n);
    out->SetFloat(step, Quantile(q, &sorted));
  });
  return OkStatus();
}

Status MadKernel(const RangeCall& call, const RangeSeries& s, Worker* worker, Row* out) {
  std::vector<double>& sorted = worker->scratch;
  ForEachFloatWindow(call, s, worker, [&](size_t step, const double* v, size_t n) {
    sorted.assign(v, v + n);
    // A NaN has no distance from anything.
    if (std::any_of(v, v + n, [](double x) { return std::isnan(x); })) {
      out->SetFloat(step, std::numeric_limits<double>::quiet_NaN());
      return;
    }
    const double median = Quantile(0.5, &sorted);
    for (size_t i = 0; i < n; i++) sorted[i] = std::fabs(v[i] - median);
    out->SetFloat(step, Quantile(0.5, &sorted));
  });
  return OkStatus();
}

}  // namespace deucalion::promql
