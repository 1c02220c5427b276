// Sets of time ranges: what has been deleted of a series, in the head and in blocks.
#ifndef DEUCALION_TSDB_TIME_INTERVALS_H_
#define DEUCALION_TSDB_TIME_INTERVALS_H_

#include <cstdint>
#include <vector>

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

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_TIME_INTERVALS_H_
