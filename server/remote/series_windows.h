// Reads one series after the other in pieces of bounded size, however long the range and however
// dense the samples: a window of time that grows over gaps and shrinks where samples are dense.
// What lies outside the times the storage has (samples of other servers, in memory already) comes
// with its first and last piece.
#ifndef DEUCALION_SERVER_REMOTE_SERIES_WINDOWS_H_
#define DEUCALION_SERVER_REMOTE_SERIES_WINDOWS_H_

#include <cstdint>

#include "base/status.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::remote {

// Borrows the set. Thread-compatible.
class SeriesWindows {
 public:
  // Reads [min_ms, max_ms]; the storage has samples within [stored_min_ms, stored_max_ms]. All
  // inclusive.
  SeriesWindows(const SeriesSet* set, int64_t min_ms, int64_t max_ms, int64_t stored_min_ms,
                int64_t stored_max_ms)
      : set_(set),
        min_ms_(min_ms),
        max_ms_(max_ms),
        stored_min_ms_(stored_min_ms),
        stored_max_ms_(stored_max_ms) {}

  void Start(size_t series);
  // Replaces *out by the next samples, at least one; false when the series has no more.
  Result<bool> Next(SampleColumns* out);

 private:
  void Adapt(const SampleColumns& got);

  const SeriesSet* const set_;
  const int64_t min_ms_;
  const int64_t max_ms_;
  const int64_t stored_min_ms_;
  const int64_t stored_max_ms_;
  size_t series_ = 0;
  int64_t next_ms_ = 0;
  int64_t window_ms_ = 0;
  bool done_ = true;
};

// Calls for each sample in time order: on_float(time_ms, value), on_histogram(const
// HistogramPoint&).
template <typename F, typename H>
void VisitByTime(const SampleColumns& columns, F&& on_float, H&& on_histogram) {
  size_t f = 0;
  for (const HistogramPoint& point : columns.histograms) {
    for (; f < columns.times.size() && columns.times[f] < point.time_ms; f++) {
      on_float(columns.times[f], columns.values[f]);
    }
    on_histogram(point);
  }
  for (; f < columns.times.size(); f++) on_float(columns.times[f], columns.values[f]);
}

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SERIES_WINDOWS_H_
