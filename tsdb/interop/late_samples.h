// LateSamples: out-of-order samples of a Prometheus directory, collected until there are enough of
// them for blocks of their own.
#ifndef DEUCALION_TSDB_INTEROP_LATE_SAMPLES_H_
#define DEUCALION_TSDB_INTEROP_LATE_SAMPLES_H_

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "tsdb/head/head.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Series are slots of `head`, which must outlive this and its sets. Thread-compatible.
class LateSamples {
 public:
  explicit LateSamples(Head* head) : head_(head) {}

  void Add(Slot slot, int64_t time_ms, int64_t st_ms, double value);
  void Add(Slot slot, HistogramPoint point);
  void Clear();

  bool empty() const { return samples_.empty(); }
  size_t size_bytes() const { return samples_.size() * sizeof(Sample) + histogram_bytes_; }
  // Starts (multiples of `range_ms`) of the ranges that have samples.
  std::set<int64_t> Ranges(int64_t range_ms) const;
  // All of them, by labels and time; of equal times the first that was added. Sorts: no Add until
  // the set is gone, which must not outlive this.
  std::unique_ptr<SeriesSet> Sorted();

 private:
  friend class LateSeriesSet;
  struct Sample {
    Slot slot = 0;
    uint32_t histogram = 0;  // 1 + its place in histograms_, 0 for floats
    int64_t time_ms = 0;
    int64_t st_ms = 0;
    double value = 0;
  };

  Head* const head_;
  std::vector<Sample> samples_;
  std::vector<HistogramPoint> histograms_;
  size_t histogram_bytes_ = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_LATE_SAMPLES_H_
