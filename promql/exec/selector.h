// The operators that read storage: instant selectors and functions over ranges.
#ifndef DEUCALION_PROMQL_EXEC_SELECTOR_H_
#define DEUCALION_PROMQL_EXEC_SELECTOR_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "promql/exec/source.h"
#include "promql/functions/range_call.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::promql {

// What an instant selector yields for the sample it finds.
enum class SelectorValue : uint8_t {
  kSample,
  kTimeSeconds,       // timestamp(x): its time
  kStartTimeSeconds,  // start_timestamp(x)
  kTimeMs,            // info(): which of two info series is newer
};

// foo: at each step the newest sample of the lookback, unless it is a stale marker.
class SelectorSource : public Source {
 public:
  SelectorSource(ExecContext* ctx, const PlanNode* node,
                 SelectorValue value = SelectorValue::kSample)
      : Source(ctx, node), value_(value) {}
  // For selections that are not in the query text (info metrics). `hints` and `matchers` must
  // outlive the source.
  SelectorSource(ExecContext* ctx, const PlanNode* node, const std::vector<Matcher>* matchers,
                 const SelectHints* hints, const SampleWindow& window, SelectorValue value)
      : Source(ctx, node), value_(value), matchers_(matchers), hints_(hints), window_(window) {}
  size_t batches() const override;
  bool CanLabelLater() const override { return true; }
  void LabelLater(size_t batch, size_t row, Labels* out) const override;

 protected:
  Status DoOpen() override;
  Status DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) override;

 private:
  void FindSteps(const std::vector<int64_t>& times, SelectScratch* scratch) const;
  void FillFloats(const SampleColumns& columns, SelectScratch* scratch, Row* row) const;
  void FillMixed(const SampleColumns& columns, Row* row) const;
  // smoothed_selector.cc
  void FillSmoothed(size_t series, SampleColumns* columns, Annotations* annotations,
                    Row* row) const;
  double ValueOf(const SampleColumns& columns, size_t i) const;

  const SelectorValue value_;
  const std::vector<Matcher>* matchers_ = nullptr;
  const SelectHints* hints_ = nullptr;
  SampleWindow window_;
  std::shared_ptr<const SeriesSet> set_;
};

// rate(foo[5m]), max_over_time(expr[1h:1m]), …: one kernel over every series of a range selector or
// a subquery. Rows keep their names; what drops them sits above.
class RangeFunctionSource : public Source {
 public:
  // `subquery`: yields the points of a subquery; null when the range is a selector. `call.scalars`
  // are filled by `open_scalars` when the source is opened.
  RangeFunctionSource(ExecContext* ctx, const PlanNode* node, const PlanNode* range, RangeCall call,
                      SourcePtr subquery,
                      std::function<Status(std::vector<ScalarColumn>*)> scalars);
  size_t batches() const override;
  bool CanLabelLater() const override { return subquery_ == nullptr; }
  void LabelLater(size_t batch, size_t row, Labels* out) const override;

 protected:
  Status DoOpen() override;
  Status DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) override;

 private:
  Status ProduceFromStorage(size_t batch, bool labels, bool samples, Worker* worker, Block* out);
  Status ProduceFromSubquery(size_t batch, Wanted wanted, Worker* worker, Block* out);
  bool MaySummarise() const;
  // False: the samples must be read. Leaves the row without any then.
  Result<bool> Summarise(size_t i, Worker* worker, Row* row);
  void FindFloatBounds(const std::vector<int64_t>& times, Worker* worker);
  Status Evaluate(SampleColumns* columns, std::string_view name, LabelsView labels, Worker* worker,
                  Row* row);
  Status RunKernel(const RangeSeries& series, uint64_t samples, Worker* worker, Row* row);
  void NoteIfNotCounter(std::string_view name, LabelsView labels, const Row& row,
                        Worker* worker) const;

  const PlanNode* const range_;
  RangeCall call_;
  const RangeKernel kernel_;
  SourcePtr subquery_;
  std::function<Status(std::vector<ScalarColumn>*)> open_scalars_;
  std::string_view pinned_name_;  // of every series, when the selector says so
  const bool may_summarise_;
  std::atomic<int> summaries_failed_{0};  // series in a row
  std::shared_ptr<const SeriesSet> set_;
};

// foo[5m] or expr[1h:1m] as the whole of an instant query.
Result<Matrix> EvaluateRangeSelector(ExecContext* ctx, const PlanNode& node);

// The labels of series i of a selector's set, as far as they are needed.
void ReadLabels(const SeriesSet& set, const PlanNode& selector, size_t i, Labels* out);
// How many series ahead of the one that is read storage is told.
inline constexpr size_t kAhead = 4;

// Leaves of histograms count and sum, and says in their hints what a look at the buckets would have
// said of counter resets.
void ReduceToStats(SampleColumns* columns);
// Removes stale markers, of floats and histograms.
void DropStaleMarkers(SampleColumns* columns);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_SELECTOR_H_
