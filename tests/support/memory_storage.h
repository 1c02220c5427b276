// MemoryStorage: series in a map. What tests of the query language read from, so that they do not
// depend on the database.
//
// Obvious rather than fast, and it takes hints at their word: labels that are not needed and
// samples that do not matter are never returned, and whatever can be summarised is. It answers as
// Prometheus's storage would: float histograms come back with the counter reset hint the chunk
// would give them. Writers and readers must not overlap.
#ifndef DEUCALION_TESTS_SUPPORT_MEMORY_STORAGE_H_
#define DEUCALION_TESTS_SUPPORT_MEMORY_STORAGE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::testing_support {

class MemoryStorage : public Queryable {
 public:
  // Samples of a series must come in time order. The same sample again is accepted and ignored;
  // errors are "out of order sample" and "duplicate sample for timestamp".
  Status Append(const Labels& labels, int64_t time_ms, double value, int64_t st_ms = 0);
  Status AppendHistogram(const Labels& labels, int64_t time_ms, const FloatHistogram& histogram,
                         int64_t st_ms = 0);
  void Clear() { series_.clear(); }
  size_t series_count() const { return series_.size(); }
  // Off: samples are always handed out one by one.
  void OfferSummaries(bool offer) { summaries_ = offer; }

  Result<std::unique_ptr<Querier>> NewQuerier(int64_t min_ms, int64_t max_ms) override;

  struct Sample {
    int64_t time_ms = 0;
    int64_t st_ms = 0;
    double value = 0;
    std::shared_ptr<const FloatHistogram> histogram;  // null for floats
  };
  using SeriesMap = std::map<Labels, std::vector<Sample>>;

 private:
  Status AppendSample(const Labels& labels, Sample sample);

  SeriesMap series_;
  bool summaries_ = true;
};

}  // namespace deucalion::testing_support

#endif  // DEUCALION_TESTS_SUPPORT_MEMORY_STORAGE_H_
