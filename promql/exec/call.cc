// Function calls whose result is an instant vector.
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "promql/exec/build.h"
#include "promql/exec/map.h"
#include "promql/exec/reduce.h"
#include "promql/exec/selector.h"
#include "promql/functions/go_math.h"
#include "promql/functions/math.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

FunctionId IdOf(const PlanNode& node) { return As<Call>(*node.expr).function->id; }

// A function of single elements: child, map, names dropped, alike series refused as upstream does.
Result<SourcePtr> BuildMap(ExecContext* ctx, const PlanNode& node, size_t vector_arg,
                           MapSource::MapRow map, MapSource::OnOpen on_open = nullptr) {
  const PlanNode& child_node = node.child(vector_arg);
  ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, child_node));
  SourcePtr source = std::make_unique<MapSource>(ctx, &node, std::move(child), NameRule::kDrop,
                                                 std::move(map), std::move(on_open));
  return GuardDroppedNames(ctx, node, child_node.names, UniqueSource::Policy::kMerge,
                           std::move(source));
}

Result<SourcePtr> BuildFloatFunction(ExecContext* ctx, const PlanNode& node, FloatFunction f) {
  return BuildMap(ctx, node, 0, [f](Row* row, Worker*) {
    row->DropHistograms();
    for (double& v : row->values) v = f(v);
    return OkStatus();
  });
}

Result<SourcePtr> BuildDate(ExecContext* ctx, const PlanNode& node, FloatFunction f) {
  if (!node.children.empty()) return BuildFloatFunction(ctx, node, f);
  const TimeGrid grid = node.grid;
  SourcePtr source = std::make_unique<SingleSource>(ctx, &node, [grid, f](Row* row) {
    for (size_t step = 0; step < grid.steps; step++) {
      row->SetFloat(step, f(static_cast<double>(grid.TimeAt(step) / 1000)));
    }
    return OkStatus();
  });
  return source;
}

// Scalars that a map needs, filled when it is opened.
struct MapScalars {
  ScalarColumn a, b;
};

Result<SourcePtr> BuildClamp(ExecContext* ctx, const PlanNode& node) {
  auto scalars = std::make_shared<MapScalars>();
  const FunctionId id = IdOf(node);
  auto open = [=, &node]() -> Status {
    scalars->a = ScalarColumn(-HUGE_VAL);
    scalars->b = ScalarColumn(HUGE_VAL);
    ScalarColumn* first = id == FunctionId::kClampMax ? &scalars->b : &scalars->a;
    ASSIGN_OR_RETURN(*first, EvaluateScalar(ctx, node.child(1)));
    if (id == FunctionId::kClamp) {
      ASSIGN_OR_RETURN(scalars->b, EvaluateScalar(ctx, node.child(2)));
    }
    return OkStatus();
  };
  return BuildMap(
      ctx, node, 0,
      [scalars](Row* row, Worker*) {
        row->DropHistograms();
        row->floats.ForEach([&](size_t step) {
          const double low = scalars->a[step], high = scalars->b[step];
          if (high < low) {
            row->floats.Clear(step);
          } else {
            row->values[step] = GoMax(low, GoMin(high, row->values[step]));
          }
        });
        return OkStatus();
      },
      open);
}

Result<SourcePtr> BuildRound(ExecContext* ctx, const PlanNode& node) {
  auto scalars = std::make_shared<MapScalars>();
  auto open = [=, &node]() -> Status {
    scalars->a = ScalarColumn(1);
    if (node.children.size() > 1) {
      ASSIGN_OR_RETURN(scalars->a, EvaluateScalar(ctx, node.child(1)));
    }
    return OkStatus();
  };
  return BuildMap(
      ctx, node, 0,
      [scalars](Row* row, Worker*) {
        row->DropHistograms();
        row->floats.ForEach([&](size_t step) {
          // The inverse keeps 0.1 and the like from adding errors of their own.
          const double inverse = 1.0 / scalars->a[step];
          row->values[step] = std::floor(row->values[step] * inverse + 0.5) / inverse;
        });
        return OkStatus();
      },
      open);
}

// Replaces a row's samples by the times of the steps they are at.
Status StepTimes(const TimeGrid& grid, Row* row) {
  for (size_t step = 0; step < row->steps(); step++) {
    if (row->SampleAt(step)) row->SetFloat(step, static_cast<double>(grid.TimeAt(step)) / 1000);
  }
  row->DropHistograms();
  return OkStatus();
}

Result<SourcePtr> BuildTimestamp(ExecContext* ctx, const PlanNode& node) {
  const PlanNode& arg = node.child(0);
  const bool start = IdOf(node) == FunctionId::kStartTimestamp;
  // Only of the selector itself: of +x, which is planned as x, upstream sees the steps.
  const Expr& written = StripParens(*As<Call>(*node.expr).args[0]);
  const bool direct = written.kind() == ExprKind::kVectorSelector;
  if (direct && arg.kind == PlanKind::kSelector && (!start || ctx->options.use_start_timestamps)) {
    SourcePtr selector = std::make_unique<SelectorSource>(
        ctx, &arg, start ? SelectorValue::kStartTimeSeconds : SelectorValue::kTimeSeconds);
    SourcePtr source =
        std::make_unique<MapSource>(ctx, &node, std::move(selector), NameRule::kDrop, nullptr);
    return GuardDroppedNames(ctx, node, arg.names, UniqueSource::Policy::kMerge, std::move(source));
  }
  const TimeGrid grid = node.grid;
  return BuildMap(ctx, node, 0, [grid, start](Row* row, Worker*) {
    if (!start) return StepTimes(grid, row);
    // Start timestamps are known of samples, not of results.
    row->floats.Reset(row->steps());
    row->DropHistograms();
    return OkStatus();
  });
}

Status CheckModifier(const SampleWindow& window, FunctionId id, std::string_view name) {
  const bool smooth =
      id == FunctionId::kRate || id == FunctionId::kIncrease || id == FunctionId::kDelta;
  const bool anchor = smooth || id == FunctionId::kResets || id == FunctionId::kChanges;
  if (window.anchored && !anchor) {
    return ExecutionError(
        "anchored modifier can only be used with: changes, delta, increase, rate, resets - not "
        "with " +
        std::string(name));
  }
  if (window.smoothed && !smooth) {
    return ExecutionError(
        "smoothed modifier can only be used with: delta, increase, rate - not with " +
        std::string(name));
  }
  return OkStatus();
}

Result<SourcePtr> BuildRangeFunction(ExecContext* ctx, const PlanNode& node) {
  const auto& call = As<Call>(*node.expr);
  size_t range_arg = 0;
  while (node.child(range_arg).expr->Type() != ValueType::kMatrix) range_arg++;
  const PlanNode& range = node.child(range_arg);
  RETURN_IF_ERROR(CheckModifier(range.window, call.function->id, call.function->name));

  RangeCall range_call;
  range_call.id = call.function->id;
  range_call.grid = node.grid;
  range_call.window = range.window;
  range_call.lookback_ms = ctx->lookback_ms;
  range_call.start_timestamps = ctx->options.use_start_timestamps;
  // As upstream: annotations stand at the first argument, and a subquery has lost its place.
  const Expr& first = StripParens(*call.args[0]);
  range_call.pos = first.kind() == ExprKind::kSubquery ? 0 : static_cast<int32_t>(first.span.begin);
  SourcePtr subquery;
  if (range.kind == PlanKind::kSubquery) {
    ASSIGN_OR_RETURN(subquery, BuildVector(ctx, range.child(0)));
  }
  auto scalars = [ctx, &node, range_arg](std::vector<ScalarColumn>* out) -> Status {
    for (size_t i = 0; i < node.children.size(); i++) {
      if (i == range_arg) continue;
      ASSIGN_OR_RETURN(ScalarColumn column, EvaluateScalar(ctx, node.child(i)));
      out->push_back(std::move(column));
    }
    return OkStatus();
  };
  SourcePtr source = std::make_unique<RangeFunctionSource>(
      ctx, &node, &range, std::move(range_call), std::move(subquery), scalars);
  const FunctionId id = call.function->id;
  if (id == FunctionId::kAbsentOverTime) {
    return SourcePtr(std::make_unique<AbsentSource>(ctx, &node, std::move(source)));
  }
  if (id == FunctionId::kFirstOverTime || id == FunctionId::kLastOverTime) return source;
  source = std::make_unique<MapSource>(ctx, &node, std::move(source), NameRule::kDrop, nullptr);
  return GuardDroppedNames(ctx, node, range.names, UniqueSource::Policy::kRefuse,
                           std::move(source));
}

Result<SourcePtr> BuildVectorOfScalar(ExecContext* ctx, const PlanNode& node) {
  const PlanNode& arg = node.child(0);
  SourcePtr source = std::make_unique<SingleSource>(ctx, &node, [ctx, &arg](Row* row) -> Status {
    ASSIGN_OR_RETURN(const ScalarColumn column, EvaluateScalar(ctx, arg));
    for (size_t step = 0; step < row->steps(); step++) row->SetFloat(step, column[step]);
    return OkStatus();
  });
  return source;
}

}  // namespace

Result<SourcePtr> BuildCall(ExecContext* ctx, const PlanNode& node) {
  const FunctionId id = IdOf(node);
  if (FloatFunction f = MathFunctionOf(id)) return BuildFloatFunction(ctx, node, f);
  if (FloatFunction f = DateFunctionOf(id)) return BuildDate(ctx, node, f);
  if (RangeKernelOf(id) != nullptr) return BuildRangeFunction(ctx, node);
  switch (id) {
    case FunctionId::kAbsent: {
      ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, node.child(0)));
      return SourcePtr(std::make_unique<AbsentSource>(ctx, &node, std::move(child)));
    }
    case FunctionId::kClamp:
    case FunctionId::kClampMax:
    case FunctionId::kClampMin:
      return BuildClamp(ctx, node);
    case FunctionId::kRound:
      return BuildRound(ctx, node);
    case FunctionId::kTimestamp:
    case FunctionId::kStartTimestamp:
      return BuildTimestamp(ctx, node);
    case FunctionId::kVector:
      return BuildVectorOfScalar(ctx, node);
    case FunctionId::kLabelReplace:
    case FunctionId::kLabelJoin:
      return BuildLabelCall(ctx, node);
    case FunctionId::kSort:
    case FunctionId::kSortDesc:
    case FunctionId::kSortByLabel:
    case FunctionId::kSortByLabelDesc:
      return BuildSort(ctx, node);
    case FunctionId::kInfo:
      return BuildInfo(ctx, node);
    default:
      return BuildHistogramCall(ctx, node);
  }
}

}  // namespace deucalion::promql
