#include "promql/exec/build.h"

#include <memory>
#include <utility>

#include "promql/exec/map.h"
#include "promql/exec/selector.h"

namespace deucalion::promql {
namespace {

Result<SourcePtr> BuildNegate(ExecContext* ctx, const PlanNode& node) {
  ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, node.child(0)));
  auto map = [](Row* row, Worker*) {
    for (double& v : row->values) v = -v;
    for (HistogramPtr& h : row->histograms) {
      if (h == nullptr) continue;
      auto negative = std::make_shared<FloatHistogram>(*h);
      negative->Mul(-1);
      h = std::move(negative);
    }
    return OkStatus();
  };
  SourcePtr source =
      std::make_unique<MapSource>(ctx, &node, std::move(child), NameRule::kDrop, map);
  return GuardDroppedNames(ctx, node, node.child(0).names, UniqueSource::Policy::kMerge,
                           std::move(source));
}

}  // namespace

Result<SourcePtr> BuildVector(ExecContext* ctx, const PlanNode& node) {
  switch (node.kind) {
    case PlanKind::kSelector:
      return SourcePtr(std::make_unique<SelectorSource>(ctx, &node));
    case PlanKind::kCall:
      return BuildCall(ctx, node);
    case PlanKind::kAggregate:
      return BuildAggregate(ctx, node);
    case PlanKind::kNegate:
      return BuildNegate(ctx, node);
    case PlanKind::kVectorScalar:
      return BuildVectorScalar(ctx, node);
    case PlanKind::kVectorBinary:
      return BuildVectorBinary(ctx, node);
    case PlanKind::kRepeat: {
      ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, node.child(0)));
      return SourcePtr(std::make_unique<RepeatSource>(ctx, &node, std::move(child)));
    }
    default:
      return InternalError("scalar where a vector is needed");
  }
}

}  // namespace deucalion::promql
