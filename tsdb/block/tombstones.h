// Tombstones: deleted time ranges of the series of one block, until a compaction applies them.
#ifndef DEUCALION_TSDB_BLOCK_TOMBSTONES_H_
#define DEUCALION_TSDB_BLOCK_TOMBSTONES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tsdb/index/postings.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Both ends inclusive.
struct TimeInterval {
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  friend bool operator==(const TimeInterval&, const TimeInterval&) = default;
};

// Sorted, disjoint, not adjacent.
using TimeIntervals = std::vector<TimeInterval>;

void AddInterval(TimeIntervals* intervals, TimeInterval added);
bool Overlaps(const TimeIntervals& intervals, int64_t min_ms, int64_t max_ms);
// Removes from *out what was appended since the given sizes and lies in an interval.
void ApplyIntervals(const TimeIntervals& intervals, size_t floats_begin, size_t histograms_begin,
                    SampleColumns* out);

// Thread-compatible value; readers share immutable copies.
class Tombstones {
 public:
  void Add(SeriesNumber series, TimeInterval interval) {
    AddInterval(&by_series_[series], interval);
  }
  // Null when the series has none.
  const TimeIntervals* Of(SeriesNumber series) const;
  bool empty() const { return by_series_.empty(); }
  // Intervals in all.
  uint64_t size() const;
  const std::map<SeriesNumber, TimeIntervals>& all() const { return by_series_; }

  std::string Encode() const;
  static Result<Tombstones> Decode(std::string_view bytes);

 private:
  std::map<SeriesNumber, TimeIntervals> by_series_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_TOMBSTONES_H_
