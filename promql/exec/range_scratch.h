// What one thread keeps between the series of a range function, so that nothing is allocated or
// worked out twice. Thread-compatible.
#ifndef DEUCALION_PROMQL_EXEC_RANGE_SCRATCH_H_
#define DEUCALION_PROMQL_EXEC_RANGE_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/histogram.h"

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

struct RangeScratch {
  // The bounds of the last series of `owner`. Series scraped together have the same times, so the
  // next one mostly finds its bounds here.
  const void* owner = nullptr;
  std::vector<int64_t> times;
  WindowBounds floats;
  WindowCounts counts;

  WindowBounds histograms;
  std::vector<HistogramRef> refs;
  std::string noted_name;  // metric that `owner` has made a remark about
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_RANGE_SCRATCH_H_
