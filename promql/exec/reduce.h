// Operators that make one thing of all series: absent(), vector(), scalar().
#ifndef DEUCALION_PROMQL_EXEC_REDUCE_H_
#define DEUCALION_PROMQL_EXEC_REDUCE_H_

#include <functional>
#include <utility>

#include "promql/exec/build.h"
#include "promql/exec/source.h"

namespace deucalion::promql {

// 1 wherever no series of the child has a sample. The labels are those the selector asks for.
class AbsentSource : public RowsSource {
 public:
  AbsentSource(ExecContext* ctx, const PlanNode* node, SourcePtr child)
      : RowsSource(ctx, node), child_(std::move(child)) {
    child_->CountedAbove(node);
  }

 protected:
  Status DoOpen() override;

 private:
  const SourcePtr child_;
};

// One series without labels whose values `fill` writes when the source is opened.
class SingleSource : public RowsSource {
 public:
  using Fill = std::function<Status(Row* row)>;
  SingleSource(ExecContext* ctx, const PlanNode* node, Fill fill)
      : RowsSource(ctx, node), fill_(std::move(fill)) {}

 protected:
  Status DoOpen() override;

 private:
  const Fill fill_;
};

// scalar(v): the float of the only series that has one at a step, else NaN.
Result<ScalarColumn> ScalarOfVector(ExecContext* ctx, const PlanNode& vector);

// The labels that a selector's equality matchers say; none for anything else.
Labels LabelsOfAbsent(const Expr& arg);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_REDUCE_H_
