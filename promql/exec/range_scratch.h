// What one thread keeps between the series of a selector or a range function, so that nothing is
// allocated or worked out twice. Series scraped together have the same times, so the next one
// mostly finds what it needs here. Thread-compatible.
#ifndef DEUCALION_PROMQL_EXEC_RANGE_SCRATCH_H_
#define DEUCALION_PROMQL_EXEC_RANGE_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/histogram.h"
#include "promql/exec/step_mask.h"

namespace deucalion::promql {

struct HistogramRef {
  int64_t time_ms = 0;
  int64_t start_ms = 0;  // start timestamp, 0 = unknown
  const FloatHistogram* histogram = nullptr;
};

// Samples [begin[step], end[step]) are in the window of a step.
struct WindowBounds {
  std::vector<uint32_t> begin, end;
  bool Empty(size_t step) const { return begin[step] == end[step]; }
  size_t Size(size_t step) const { return end[step] - begin[step]; }
};

// Counts of the samples of a series' windows.
struct WindowCounts {
  uint64_t queryable = 0;  // in every window they are in
  uint64_t read = 0;       // once
};

// What extrapolation to a window's bounds needs of the times in it, in seconds.
struct RateEdge {
  double to_start = 0;  // how far it goes to the left, unless a counter's zero is nearer
  double sampled = -1;  // between first and last sample; negative: fewer than two
  double to_end = 0;
  double factor = 0;  // by all of these, and per second where that is asked for
};

struct RangeScratch {
  uint64_t owner = 0;  // Source::id() of whose last series had these times and bounds
  std::vector<int64_t> times;
  WindowBounds floats;
  WindowCounts counts;
  std::vector<RateEdge> edges;  // of `floats`, for rate and its kin; empty until they ask

  WindowBounds histograms;
  std::vector<HistogramRef> refs;
  std::string noted_name;  // metric that `owner` has made a remark about
};

struct SelectScratch {
  uint64_t owner = 0;  // Source::id() of whose last series had these times
  std::vector<int64_t> times;
  StepMask found;                // the steps that have a sample in their lookback
  std::vector<uint32_t> sample;  // which one, per step; 0 where there is none
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_RANGE_SCRATCH_H_
