// Decoded samples as chunks give them and queries take them.
#ifndef DEUCALION_MODEL_SAMPLE_COLUMNS_H_
#define DEUCALION_MODEL_SAMPLE_COLUMNS_H_

#include <cstdint>
#include <vector>

#include "model/histogram.h"

namespace deucalion {

struct HistogramPoint {
  int64_t time_ms = 0;
  int64_t st_ms = 0;  // start timestamp, 0 = unknown
  FloatHistogram histogram;
  bool integer = false;  // stored as an integer histogram: all counts are whole
};

// Decoded samples of one series in time order, stale markers included. Floats and histograms are
// two lists because a series may hold both. Reused from series to series: Clear keeps the capacity.
struct SampleColumns {
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<int64_t> start_times;  // empty, or as long as times (0 = unknown)
  std::vector<HistogramPoint> histograms;

  void Clear() {
    times.clear();
    values.clear();
    start_times.clear();
    histograms.clear();
  }
};

}  // namespace deucalion

#endif  // DEUCALION_MODEL_SAMPLE_COLUMNS_H_
