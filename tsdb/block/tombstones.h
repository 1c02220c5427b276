// Tombstones: deleted time ranges of the series of one block, until a compaction applies them.
#ifndef DEUCALION_TSDB_BLOCK_TOMBSTONES_H_
#define DEUCALION_TSDB_BLOCK_TOMBSTONES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "tsdb/index/postings.h"
#include "tsdb/time_intervals.h"

namespace deucalion::tsdb {

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
