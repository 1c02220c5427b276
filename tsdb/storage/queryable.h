// Reading samples. A Querier pins one consistent view: every commit that had finished when it was
// made and none that had not, whatever is cut, compacted or deleted meanwhile.
#ifndef DEUCALION_TSDB_STORAGE_QUERYABLE_H_
#define DEUCALION_TSDB_STORAGE_QUERYABLE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample_columns.h"
#include "tsdb/storage/memory_budget.h"

namespace deucalion {

// Everything about one run of float samples of one series that many range functions need. Samples
// are those without stale markers. Exact: see each field.
struct SliceSummary {
  int64_t first_ms = 0, last_ms = 0;
  double first = 0, last = 0;
  uint32_t count = 0;                // without stale markers
  double min = 0, max = 0;           // NaN only when every sample is NaN
  uint32_t resets = 0, changes = 0;  // between neighbours within the slice
  double correction = 0;             // sum of values before each reset, added in order
  bool integral = false;             // every value whole, every partial sum below 2^53
  double sum = 0;                    // exact when integral, else unset
};

// Receives, in time order, whole slices as summaries and everything else as samples.
class SummarySink {
 public:
  virtual ~SummarySink() = default;
  virtual void OnSlice(const SliceSummary& slice) = 0;
  virtual void OnSamples(std::span<const int64_t> times, std::span<const double> values) = 0;
};

// What the caller is going to do with the series: storage may use it to read less, never to answer
// differently.
struct SelectHints {
  int64_t min_ms = 0;  // inclusive; samples outside [min_ms, max_ms] need not be returned
  int64_t max_ms = 0;  // inclusive; both 0: no range is said, HintedRange
  int64_t step_ms = 0;
  int64_t range_ms = 0;
  std::string func;  // surrounding function or aggregation, "series" for metadata look-ups
  std::vector<std::string> grouping;  // labels of the surrounding aggregation
  bool by = false;
  size_t limit = 0;  // series; 0 = none
  // Of each series only the newest sample within [min_ms, max_ms] matters.
  bool newest_only = false;
  // KeyLabelsOf will do, with these names (sorted).
  std::vector<std::string> key_labels;
};

// The series of one selection, by index 0..size()-1. All const calls are thread-safe. Must not
// outlive its Querier.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  virtual size_t size() const = 0;
  // Replaces *out. Cheap: one copy.
  virtual void LabelsOf(size_t i, Labels* out) const = 0;
  // As LabelsOf, but labels that the hints' key_labels do not name may be missing. Cheaper.
  virtual void KeyLabelsOf(size_t i, Labels* out) const { LabelsOf(i, out); }
  // Series i will be read soon.
  virtual void Prefetch(size_t i) const {}
  // Appends the samples within [min_ms, max_ms] (inside the hints' range) to *out: merged over all
  // sources, each timestamp once, deletions applied.
  virtual Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const = 0;
  // The same through summaries where that is bit-exact. False: not for this series; use Read.
  virtual bool ReadSummaries(size_t i, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                             Status* status) const {
    return false;
  }
};

class Querier {
 public:
  virtual ~Querier() = default;

  // Before the first Select: what its sets hold in memory that is not the storage's own counts as
  // the caller's. A selection that would hold too much fails as the budget does. `budget` must
  // outlive the querier and its sets.
  virtual void ChargeTo(MemoryBudget* budget) {}
  // `sorted`: ascending by labels; else any order that is the same for the same data. All matchers
  // must hold; none means every series. `cancel` is obeyed during selection and by the set's Read;
  // may be null.
  virtual Result<std::unique_ptr<SeriesSet>> Select(bool sorted, const SelectHints& hints,
                                                    const std::vector<Matcher>& matchers,
                                                    const CancelToken* cancel) = 0;
  // Sorted, each once; only of series that match `matchers` (none = all). `limit` 0 = none: beyond
  // it the first `limit` are returned and *truncated is set.
  virtual Result<std::vector<std::string>> LabelValues(const std::string& name,
                                                       const std::vector<Matcher>& matchers,
                                                       size_t limit, bool* truncated) = 0;
  virtual Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers,
                                                      size_t limit, bool* truncated) = 0;
  // What could not be had from secondary sources in the calls so far: the answers are right for the
  // rest. Texts for the user, each once.
  virtual std::vector<std::string> Warnings() const { return {}; }
  // Upper bound of the number of series a selection returns, cheaply; for admission and plan order.
  virtual uint64_t EstimateSeries(const std::vector<Matcher>& matchers) = 0;
};

class Queryable {
 public:
  virtual ~Queryable() = default;
  // The view of [min_ms, max_ms], both inclusive.
  virtual Result<std::unique_ptr<Querier>> NewQuerier(int64_t min_ms, int64_t max_ms) = 0;

  // For result caches. The part of history before StableHorizonMs() changes only when Generation(of
  // a range it overlaps) changes: a delete, a late sample, a cut, a compaction.
  virtual int64_t StableHorizonMs() const { return kMinTime(); }
  virtual uint64_t Generation(int64_t min_ms, int64_t max_ms) const { return 0; }

 private:
  static constexpr int64_t kMinTime() { return INT64_MIN; }
};

}  // namespace deucalion

#endif  // DEUCALION_TSDB_STORAGE_QUERYABLE_H_
