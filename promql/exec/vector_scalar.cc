// A vector and a scalar: every sample on its own.
#include <memory>
#include <utility>

#include "promql/exec/build.h"
#include "promql/exec/element_op.h"
#include "promql/exec/map.h"
#include "promql/plan/scalar_math.h"

namespace deucalion::promql {
namespace {

struct Operation {
  BinaryOp op;
  bool scalar_left;
  bool return_bool;
  int32_t pos;
  ScalarColumn scalar;  // filled on opening
};

bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimLower || op == BinaryOp::kTrimUpper; }

// Floats only: the common case, without a call per sample.
void ApplyToFloats(const Operation& o, Row* row) {
  const bool compare = IsComparison(o.op);
  row->floats.ForEach([&](size_t step) {
    double& v = row->values[step];
    const double s = o.scalar[step];
    const double l = o.scalar_left ? s : v, r = o.scalar_left ? v : s;
    if (!compare) {
      v = ArithmeticFloats(o.op, l, r);
      return;
    }
    const bool keep = CompareFloats(o.op, l, r);
    if (o.return_bool) {
      v = keep ? 1 : 0;
    } else if (!keep) {
      row->floats.Clear(step);
    }
  });
}

void ApplyToAll(const Operation& o, Row* row, Worker* worker) {
  Row result;
  result.Reset(row->steps());
  for (size_t step = 0; step < row->steps(); step++) {
    if (!row->SampleAt(step)) continue;
    Element element, scalar{o.scalar[step], nullptr};
    if (row->HistogramAt(step)) {
      element.histogram = row->histograms[step];
    } else {
      element.value = row->values[step];
    }
    const Element& l = o.scalar_left ? scalar : element;
    const Element& r = o.scalar_left ? element : scalar;
    ElementResult out = ApplyElementOp(o.op, l, r, o.pos, &worker->annotations);
    if (!out.valid) continue;
    if (o.return_bool) {
      result.SetFloat(step, out.keep ? 1 : 0);
    } else if (out.keep) {
      // A comparison answers the vector's element on whichever side it stands.
      const Element& value = IsComparison(o.op) ? element : out.element;
      if (value.histogram != nullptr) {
        result.SetHistogram(step, value.histogram);
      } else {
        result.SetFloat(step, value.value);
      }
    }
  }
  row->floats = std::move(result.floats);
  row->values.swap(result.values);
  row->histograms.swap(result.histograms);
}

}  // namespace

Result<SourcePtr> BuildVectorScalar(ExecContext* ctx, const PlanNode& node) {
  const auto& b = As<BinaryExpr>(*node.expr);
  const bool scalar_left = b.lhs->Type() == ValueType::kScalar;
  const PlanNode& scalar = node.child(scalar_left ? 0 : 1);
  const PlanNode& vector = node.child(scalar_left ? 1 : 0);
  auto operation = std::make_shared<Operation>(
      Operation{b.op, scalar_left, b.return_bool, node.pos(), ScalarColumn()});
  auto open = [ctx, &scalar, operation]() -> Status {
    ASSIGN_OR_RETURN(operation->scalar, EvaluateScalar(ctx, scalar));
    return OkStatus();
  };
  auto map = [operation](Row* row, Worker* worker) {
    if (row->has_histograms() || IsTrim(operation->op)) {
      ApplyToAll(*operation, row, worker);
    } else {
      ApplyToFloats(*operation, row);
    }
    return OkStatus();
  };
  ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, vector));
  // docs/decisions/answers-of-2.42.md
  const bool keeps = b.op == BinaryOp::kAtan2 && !ctx->delayed_names;
  const bool drop = (DropsName(b.op) && !keeps) || b.return_bool;
  SourcePtr source = std::make_unique<MapSource>(
      ctx, &node, std::move(child), drop ? NameRule::kDrop : NameRule::kKeep, map, open);
  if (!drop) return source;
  return GuardDroppedNames(ctx, node, vector.names, UniqueSource::Policy::kMerge,
                           std::move(source));
}

}  // namespace deucalion::promql
