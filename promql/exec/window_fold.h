// WindowFold: one function over one window, from block summaries (SliceSummary) and the samples
// between them, without the samples that were summarised.
//
// The answer has the bits that the function's kernel computes from all samples, or there is none:
// counts, extremes and picks are exact by nature; sums are used only while every partial sum is a
// whole number below 2^53, where addition does not round; counter resets only where the summary
// still tells the value before each. Thread-compatible; reused from window to window.
#ifndef DEUCALION_PROMQL_EXEC_WINDOW_FOLD_H_
#define DEUCALION_PROMQL_EXEC_WINDOW_FOLD_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "promql/functions/range_call.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::promql {

class WindowFold : public SummarySink {
 public:
  // Whether summaries can answer this call at all.
  static bool Knows(const RangeCall& call);

  // `call` must outlive the fold.
  explicit WindowFold(const RangeCall& call) : call_(call) {}

  // Forgets the window.
  void Clear();
  void OnSlice(const SliceSummary& slice) override;
  // Stale markers are left out here.
  void OnSamples(std::span<const int64_t> times, std::span<const double> values) override;

  // False: only the samples themselves can tell.
  bool exact() const { return exact_; }
  uint64_t count() const { return count_; }
  // Of the window of `step`; nothing when there is no result. Only while exact().
  std::optional<double> Result(size_t step) const;

 private:
  void AddSample(int64_t time_ms, double value);
  // What lies between the last sample so far and one of `value` after it.
  void AddNeighbour(double value);
  void AddToSum(double sum, double largest_partial);
  void AddExtreme(double value);
  bool Sums() const;
  bool IsMax() const { return call_.id == FunctionId::kMaxOverTime; }

  const RangeCall& call_;
  bool exact_ = true;
  uint64_t count_ = 0;
  int64_t first_ms_ = 0, last_ms_ = 0;
  double first_ = 0, last_ = 0;
  double extreme_ = 0;
  double sum_ = 0;
  uint64_t resets_ = 0, changes_ = 0;
  std::vector<double> before_resets_;  // in order
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_WINDOW_FOLD_H_
