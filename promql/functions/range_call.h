// Functions over ranges (rate, avg_over_time, …): what they get and what they give.
//
// A kernel sees one series at a time with all its samples, and for every step which of them lie in
// that step's window; it fills one row. Windows only move forward, so whoever finds their bounds
// walks the samples once, and kernels that can carry something from window to window do.
#ifndef DEUCALION_PROMQL_FUNCTIONS_RANGE_CALL_H_
#define DEUCALION_PROMQL_FUNCTIONS_RANGE_CALL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "promql/exec/context.h"
#include "promql/exec/range_scratch.h"
#include "promql/exec/row.h"
#include "promql/exec/scalar_column.h"
#include "promql/functions/signature.h"
#include "promql/plan/plan.h"

namespace deucalion::promql {

// One call of a function, the same for all series.
struct RangeCall {
  FunctionId id;
  TimeGrid grid;
  SampleWindow window;
  int64_t lookback_ms = 0;
  bool start_timestamps = false;      // use-start-timestamps is on
  int32_t pos = 0;                    // of the range argument, for annotations
  std::vector<ScalarColumn> scalars;  // the other arguments in order

  int64_t RangeEnd(size_t step) const { return window.End(grid.TimeAt(step)); }
  int64_t RangeStart(size_t step) const { return RangeEnd(step) - window.range_ms; }
  double range_seconds() const { return static_cast<double>(window.range_ms) / 1000; }
};

// One series: no stale markers, ascending times. Views are valid during the call.
struct RangeSeries {
  std::string_view metric_name;
  std::span<const int64_t> times;
  std::span<const double> values;
  std::span<const int64_t> start_times;  // empty, or as long as times
  std::span<const HistogramRef> histograms;
  const WindowBounds* floats = nullptr;
  const WindowBounds* hists = nullptr;

  int64_t StartTimeOf(size_t i) const { return start_times.empty() ? 0 : start_times[i]; }
};

// Fills `out` (reset, on the call's steps). An error ends the query.
using RangeKernel = Status (*)(const RangeCall& call, const RangeSeries& series, Worker* worker,
                               Row* out);

// Null when `id` takes no range.
RangeKernel RangeKernelOf(FunctionId id);

// A window of floats of which not all samples are at hand.
struct WindowEnds {
  uint64_t count = 0;  // at least one
  int64_t first_ms = 0, last_ms = 0;
  double first = 0, last = 0;
  std::span<const double> before_resets;  // values before each counter reset, in order
};
// rate, increase or delta of it, as RateKernel computes it without start timestamps.
std::optional<double> RateOfEnds(const RangeCall& call, size_t step, const WindowEnds& ends);

// The families, one file each.
Status RateKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);          // rate.cc
Status ExtendedRateKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);  // extended_rate.cc
Status InstantRateKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);   // instant_rate.cc
Status ResetsKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);  // counter_events.cc
Status ChangesKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status SumKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);  // sum_over_time.cc
Status AvgKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status CountKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);  // pick_over_time.cc
Status PresentKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status FirstKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status LastKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status TimeOfFirstKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status TimeOfLastKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status MinMaxKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);    // min_max_over_time.cc
Status VarianceKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);  // spread_over_time.cc
Status QuantileKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status MadKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);
Status RegressionKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);  // regression.cc
Status SmoothingKernel(const RangeCall&, const RangeSeries&, Worker*, Row*);   // smoothing.cc

// Whether a sample's start timestamp says that the counter began anew after the previous sample.
bool IsStartTimestampReset(int64_t previous_start, int64_t previous_time, int64_t start,
                           int64_t time);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_FUNCTIONS_RANGE_CALL_H_
