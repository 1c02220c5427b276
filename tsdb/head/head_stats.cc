// What /api/v1/status/tsdb shows of the head.
#include <algorithm>

#include "tsdb/head/head.h"

namespace deucalion::tsdb {
namespace {

// The `limit` highest, equal ones by name.
class Top {
 public:
  explicit Top(size_t limit) : limit_(limit) {}
  void Add(std::string_view name, uint64_t count) {
    if (limit_ == 0 || (full() && count <= lowest_)) return;
    entries_.emplace_back(std::string(name), count);
    if (entries_.size() >= limit_ * 2 + 16) Shrink();
  }
  Cardinality Take() {
    Shrink();
    return std::move(entries_);
  }

 private:
  bool full() const { return lowest_ != 0; }
  void Shrink() {
    std::sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (entries_.size() < limit_) return;
    entries_.resize(limit_);
    lowest_ = entries_.back().second;
  }

  const size_t limit_;
  uint64_t lowest_ = 0;
  Cardinality entries_;
};

}  // namespace

Result<TsdbStats> Head::Stats(size_t limit) {
  TsdbStats stats;
  stats.head = {.series = num_series(),
                .chunks = num_chunks(),
                .label_pairs = 0,
                .min_ms = min_ms(),
                .max_ms = max_ms()};
  Top metrics(limit), values(limit), bytes(limit), pairs(limit);
  ReaderLock lock(index_.mu());
  stats.head.label_pairs = index_.num_pairs();
  for (uint32_t i = 0; i < index_.num_names(); i++) {
    const std::string_view name = index_.NameText(i);
    uint64_t size = 0;
    RETURN_IF_ERROR(index_.VisitValues(name, "", [&](const IndexValue& v) {
      if (name == kMetricName) metrics.Add(v.value, v.cardinality);
      size += v.value.size() * v.cardinality;
      pairs.Add(std::string(name) + "=" + std::string(v.value), v.cardinality);
      return true;
    }));
    if (index_.NumValuesOf(i) == 0) continue;
    values.Add(name, index_.NumValuesOf(i));
    bytes.Add(name, size);
  }
  stats.series_by_metric = metrics.Take();
  stats.values_by_label = values.Take();
  stats.bytes_by_label = bytes.Take();
  stats.series_by_pair = pairs.Take();
  return stats;
}

}  // namespace deucalion::tsdb
