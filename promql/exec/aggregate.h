// Aggregations: operators that make groups of series.
#ifndef DEUCALION_PROMQL_EXEC_AGGREGATE_H_
#define DEUCALION_PROMQL_EXEC_AGGREGATE_H_

#include <memory>
#include <utility>
#include <vector>

#include "promql/exec/accumulator.h"
#include "promql/exec/grouping.h"
#include "promql/exec/scalar_column.h"
#include "promql/exec/source.h"

namespace deucalion::promql {

// sum, avg, min, max, count, group, stddev, stdvar, quantile: holds groups x steps, never the
// series.
class AggregateSource : public RowsSource {
 public:
  AggregateSource(ExecContext* ctx, const PlanNode* node, SourcePtr child);

 protected:
  Status DoOpen() override;

 private:
  // What a batch has come to.
  struct Part {
    GroupTable table;
    std::vector<bool> drop_name;
    std::unique_ptr<Accumulator> state;
  };

  std::unique_ptr<Accumulator> NewState() const;
  bool NeedsLabels() const;
  Status AddBatch(Part* part, Block* block, Worker* worker) const;
  Status MergePart(Part* part);
  Status FinishGroups();

  const AggregateExpr& expr_;
  const SourcePtr child_;
  const Grouping grouping_;
  ScalarColumn param_;
  Part whole_;
  uint64_t charged_bytes_ = 0;
};

// topk, bottomk, limitk: per group and step at most k samples of the input's own series.
class PickSource : public RowsSource {
 public:
  PickSource(ExecContext* ctx, const PlanNode* node, SourcePtr child);

 protected:
  Status DoOpen() override;

 private:
  struct Entry {
    double value;
    uint32_t series;  // in kept_
  };
  using Heap = std::vector<Entry>;
  struct Kept {
    Labels labels;  // unless they are asked for later
    bool drop_name = false;
    size_t batch = 0, row = 0;
  };
  struct Part {
    std::vector<Row> rows;
    std::vector<size_t> places;  // of the rows in their batch
  };
  static constexpr uint32_t kNotKept = UINT32_MAX;

  Status AddRow(size_t batch, size_t place, Row* row);
  void AddToHeaps(uint32_t group, size_t batch, size_t place, Row* row);
  Status AddLimited(uint32_t group, Row* row);
  bool Less(double a, double b) const;
  void SiftUp(Heap* heap) const;
  void SiftDown(Heap* heap) const;
  Status FinishHeaps();

  const AggregateExpr& expr_;
  const SourcePtr child_;
  const Grouping grouping_;
  const bool limit_;  // limitk
  const bool top_;    // topk
  bool labels_later_ = false;
  std::vector<int64_t> k_;  // by step
  GroupTable table_;
  std::vector<Heap> heaps_;      // by group and step
  std::vector<uint32_t> taken_;  // limitk: by group and step
  std::vector<Kept> kept_;
};

// count_values: one series per group and value.
class CountValuesSource : public RowsSource {
 public:
  CountValuesSource(ExecContext* ctx, const PlanNode* node, SourcePtr child);

 protected:
  Status DoOpen() override;

 private:
  Status AddRow(const Row& row);
  uint32_t GroupOf(LabelsView series, std::string_view text);

  const AggregateExpr& expr_;
  const SourcePtr child_;
  Grouping grouping_;
  std::string label_;
  GroupTable table_;
};

// Checks and warnings for the parameter of an aggregation. `nothing`: there can be no result.
struct ParameterCheck {
  bool nothing = false;
};
Result<ParameterCheck> CheckParameter(ExecContext* ctx, const AggregateExpr& a, size_t steps,
                                      const ScalarColumn& param);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_AGGREGATE_H_
