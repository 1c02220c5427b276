// deriv and predict_linear: least squares over the window's floats, sums compensated.
#include <cmath>
#include <limits>

#include "promql/exec/kahan.h"
#include "promql/exec/notes.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

struct Line {
  double slope, intercept;
};

// Time counts in seconds from `origin_ms`.
Line Fit(const int64_t* times, const double* values, size_t n, int64_t origin_ms) {
  double sum_x = 0, c_x = 0, sum_y = 0, c_y = 0, sum_xy = 0, c_xy = 0, sum_x2 = 0, c_x2 = 0;
  bool constant = true;
  for (size_t i = 0; i < n; i++) {
    const double y = values[i];
    if (i > 0 && y != values[0]) constant = false;
    const double x = static_cast<double>(times[i] - origin_ms) / 1e3;
    KahanInc(x, &sum_x, &c_x);
    KahanInc(y, &sum_y, &c_y);
    KahanInc(x * y, &sum_xy, &c_xy);
    KahanInc(x * x, &sum_x2, &c_x2);
  }
  if (constant) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    return std::isinf(values[0]) ? Line{kNan, kNan} : Line{0, values[0]};
  }
  const double count = static_cast<double>(n);
  sum_x += c_x;
  sum_y += c_y;
  sum_xy += c_xy;
  sum_x2 += c_x2;
  const double cov_xy = sum_xy - sum_x * sum_y / count;
  const double var_x = sum_x2 - sum_x * sum_x / count;
  const double slope = cov_xy / var_x;
  return {slope, sum_y / count - slope * sum_x / count};
}

}  // namespace

Status RegressionKernel(const RangeCall& call, const RangeSeries& s, Worker* worker, Row* out) {
  const bool predict = call.id == FunctionId::kPredictLinear;
  for (size_t step = 0; step < call.grid.steps; step++) {
    const size_t n = s.floats->Size(step);
    if (n >= 1 && s.hists != nullptr && !s.hists->Empty(step)) {
      worker->annotations.Add(notes::HistogramIgnoredInMixedRange(s.metric_name, call.pos));
    }
    if (n < 2) continue;
    const int64_t* times = s.times.data() + s.floats->begin[step];
    const double* values = s.values.data() + s.floats->begin[step];
    if (predict) {
      const Line line = Fit(times, values, n, call.grid.TimeAt(step));
      out->SetFloat(step, line.slope * call.scalars[0][step] + line.intercept);
    } else {
      // Near the values in use: large times would cost precision.
      out->SetFloat(step, Fit(times, values, n, times[0]).slope);
    }
  }
  return OkStatus();
}

}  // namespace deucalion::promql
