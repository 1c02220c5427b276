// Scalar expressions: numbers over all steps.
#include <cmath>
#include <utility>

#include "promql/exec/build.h"
#include "promql/exec/reduce.h"
#include "promql/functions/go_math.h"
#include "promql/plan/scalar_math.h"

namespace deucalion::promql {
namespace {

// f(step) at every step; once when all operands are constant.
template <typename F>
ScalarColumn Column(const PlanNode& node, bool constant, F&& f) {
  if (constant || node.grid.steps == 0) return ScalarColumn(f(size_t{0}));
  std::vector<double> values(node.grid.steps);
  for (size_t step = 0; step < values.size(); step++) values[step] = f(step);
  return ScalarColumn(std::move(values));
}

Result<ScalarColumn> EvaluateTwo(ExecContext* ctx, const PlanNode& node,
                                 const std::function<double(double, double)>& f) {
  ASSIGN_OR_RETURN(const ScalarColumn l, EvaluateScalar(ctx, node.child(0)));
  ASSIGN_OR_RETURN(const ScalarColumn r, EvaluateScalar(ctx, node.child(1)));
  return Column(node, l.is_constant() && r.is_constant(),
                [&](size_t step) { return f(l[step], r[step]); });
}

Result<ScalarColumn> EvaluateScalarCall(ExecContext* ctx, const PlanNode& node) {
  switch (As<Call>(*node.expr).function->id) {
    case FunctionId::kTime:
      return Column(node, false, [&](size_t step) {
        return static_cast<double>(node.grid.TimeAt(step)) / 1000;
      });
    case FunctionId::kPi:
      return ScalarColumn(M_PI);
    case FunctionId::kScalar:
      return ScalarOfVector(ctx, node.child(0));
    case FunctionId::kMinOf:
      return EvaluateTwo(ctx, node, GoMin);
    case FunctionId::kMaxOf:
      return EvaluateTwo(ctx, node, GoMax);
    default:
      return InternalError("function without a scalar result where one is needed");
  }
}

}  // namespace

Result<ScalarColumn> EvaluateScalar(ExecContext* ctx, const PlanNode& node) {
  RETURN_IF_ERROR(ctx->CheckCancel());
  switch (node.kind) {
    case PlanKind::kNumber:
      return ScalarColumn(node.number);
    case PlanKind::kRepeat: {
      ASSIGN_OR_RETURN(const ScalarColumn once, EvaluateScalar(ctx, node.child(0)));
      return ScalarColumn(once[0]);
    }
    case PlanKind::kNegate: {
      ASSIGN_OR_RETURN(const ScalarColumn v, EvaluateScalar(ctx, node.child(0)));
      return Column(node, v.is_constant(), [&](size_t step) { return -v[step]; });
    }
    case PlanKind::kScalarBinary: {
      const BinaryOp op = As<BinaryExpr>(*node.expr).op;
      return EvaluateTwo(ctx, node, [op](double l, double r) { return ScalarOp(op, l, r); });
    }
    case PlanKind::kCall:
      return EvaluateScalarCall(ctx, node);
    default:
      return InternalError("vector where a scalar is needed");
  }
}

}  // namespace deucalion::promql
