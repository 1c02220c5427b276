// double_exponential_smoothing (Holt's linear trend method).
#include <cstdio>
#include <string>

#include "promql/exec/notes.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

Status CheckFactor(const char* name, const char* symbol, double v) {
  if (v > 0 && v < 1) return OkStatus();
  if (v != v) return OkStatus();  // as upstream: NaN passes both comparisons
  char number[400];
  snprintf(number, sizeof(number), "%f", v);
  return ExecutionError(std::string("invalid ") + name + " factor. Expected: 0 < " + symbol +
                        " < 1, got: " + number);
}

double Smooth(const double* v, size_t n, double sf, double tf) {
  double s0 = 0, s1 = v[0], trend = v[1] - v[0];
  for (size_t i = 1; i < n; i++) {
    const double x = sf * v[i];
    if (i > 1) {
      const double slope = tf * (s1 - s0);
      trend = slope + (1 - tf) * trend;
    }
    const double y = (1 - sf) * (s1 + trend);
    s0 = s1;
    s1 = x + y;
  }
  return s1;
}

}  // namespace

Status SmoothingKernel(const RangeCall& call, const RangeSeries& s, Worker* worker, Row* out) {
  for (size_t step = 0; step < call.grid.steps; step++) {
    const size_t n = s.floats->Size(step);
    const bool hists = s.hists != nullptr && !s.hists->Empty(step);
    if (n == 0 && !hists) continue;
    const double sf = call.scalars[0][step], tf = call.scalars[1][step];
    RETURN_IF_ERROR(CheckFactor("smoothing", "sf", sf));
    RETURN_IF_ERROR(CheckFactor("trend", "tf", tf));
    if (n >= 1 && hists) {
      worker->annotations.Add(notes::HistogramIgnoredInMixedRange(s.metric_name, call.pos));
    }
    if (n < 2) continue;
    out->SetFloat(step, Smooth(s.values.data() + s.floats->begin[step], n, sf, tf));
  }
  return OkStatus();
}

}  // namespace deucalion::promql
