// From plan nodes to operators.
#ifndef DEUCALION_PROMQL_EXEC_BUILD_H_
#define DEUCALION_PROMQL_EXEC_BUILD_H_

#include <vector>

#include "base/status.h"
#include "promql/exec/context.h"
#include "promql/exec/row.h"
#include "promql/exec/scalar_column.h"
#include "promql/exec/source.h"
#include "promql/value.h"

namespace deucalion::promql {

// The operator of a node whose value is an instant vector, not opened. `ctx` and `node` must
// outlive it.
Result<SourcePtr> BuildVector(ExecContext* ctx, const PlanNode& node);
// The parts of it: a call, an aggregation, an operator between vectors and scalars.
Result<SourcePtr> BuildCall(ExecContext* ctx, const PlanNode& node);
Result<SourcePtr> BuildAggregate(ExecContext* ctx, const PlanNode& node);
Result<SourcePtr> BuildVectorScalar(ExecContext* ctx, const PlanNode& node);
Result<SourcePtr> BuildVectorBinary(ExecContext* ctx, const PlanNode& node);
Result<SourcePtr> BuildHistogramCall(ExecContext* ctx, const PlanNode& node);
Result<SourcePtr> BuildLabelCall(ExecContext* ctx, const PlanNode& node);
Result<SourcePtr> BuildSort(ExecContext* ctx, const PlanNode& node);
Result<SourcePtr> BuildInfo(ExecContext* ctx, const PlanNode& node);

// A node whose value is a scalar, worked out at all of its steps.
Result<ScalarColumn> EvaluateScalar(ExecContext* ctx, const PlanNode& node);

// Series of the result with their points; rows without a sample are left out. Not sorted.
Matrix RowsToMatrix(const TimeGrid& grid, std::vector<Row> rows);
// With delayed name removal, at the end: drops the names of the rows that were to lose them and
// merges what has become alike.
Status RemoveDelayedNames(std::vector<Row>* rows);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_BUILD_H_
