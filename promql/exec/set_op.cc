// and, or, unless.
//
// `and` and `unless` need only to know at which steps each signature occurs on the right; the left
// side streams through. `or` passes the left side on and adds what of the right side has no partner
// at the step.
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "promql/exec/build.h"
#include "promql/exec/join.h"
#include "promql/exec/map.h"

namespace deucalion::promql {
namespace {

// At which steps series of a signature have a sample. Thread-safe once filled.
class Presence {
 public:
  Status AddAll(ExecContext* ctx, Source* source, const Grouping& signature) {
    const size_t steps = source->steps();
    std::vector<std::vector<std::pair<Labels, StepMask>>> parts(BatchSlots(*ctx));
    auto work = [&](size_t slot, Block* block, Worker*) {
      for (const Row& row : *block) {
        StepMask mask(steps);
        row.AddPresence(&mask);
        if (!mask.Any()) continue;
        auto& [labels, kept] = parts[slot].emplace_back();
        signature.LabelsOf(row.labels, &labels);
        kept = std::move(mask);
      }
      return OkStatus();
    };
    auto merge = [&](size_t slot) {
      uint64_t bytes = 0;
      for (auto& [labels, mask] : parts[slot]) bytes += Add(std::move(labels), mask);
      parts[slot].clear();
      return ctx->budget->AddBytes(bytes);
    };
    return ForEachBatch(ctx, source, Wanted{}, work, merge);
  }
  // Null when the signature does not occur.
  const StepMask* Find(LabelsView signature) const {
    const auto it = masks_.find(signature);
    return it == masks_.end() ? nullptr : &it->second;
  }
  // Bytes it took.
  uint64_t Add(Labels signature, const StepMask& mask) {
    const auto it = masks_.find(signature);
    if (it != masks_.end()) {
      it->second.Or(mask);
      return 0;
    }
    const uint64_t bytes = 128 + signature.bytes().size() + mask.heap_bytes();
    masks_.emplace(std::move(signature), mask);
    return bytes;
  }

 private:
  std::unordered_map<Labels, StepMask, LabelsHash, LabelsEqual> masks_;
};

class OrSource : public RowsSource {
 public:
  OrSource(ExecContext* ctx, const PlanNode* node, SourcePtr left, SourcePtr right)
      : RowsSource(ctx, node),
        left_(std::move(left)),
        right_(std::move(right)),
        signature_(SignatureOf(*As<BinaryExpr>(*node->expr).matching)) {}

 protected:
  Status DoOpen() override {
    RETURN_IF_ERROR(left_->Open());
    RETURN_IF_ERROR(CollectRows(&ctx(), left_.get(), &rows_));
    RETURN_IF_ERROR(right_->Open());
    std::vector<Row> right;
    RETURN_IF_ERROR(CollectRows(&ctx(), right_.get(), &right));
    Presence present;
    Labels signature;
    for (const Row& row : rows_) {
      StepMask mask(steps());
      row.AddPresence(&mask);
      signature_.LabelsOf(row.labels, &signature);
      present.Add(signature, mask);
    }
    for (Row& row : right) {
      signature_.LabelsOf(row.labels, &signature);
      if (const StepMask* taken = present.Find(signature)) {
        StepMask keep(steps());
        keep.SetAll();
        keep.AndNot(*taken);
        row.Restrict(keep);
        if (!row.Any()) continue;
      }
      rows_.push_back(std::move(row));
    }
    // With delayed names an instant vector may hold the same labels twice until the end.
    if (node().grid.instant() && ctx().delayed_names) return OkStatus();
    return MergeRowsWithSameLabels(&rows_);
  }

 private:
  const SourcePtr left_, right_;
  const Grouping signature_;
};

}  // namespace

Grouping SignatureOf(const VectorMatching& m) { return Grouping(m.on, m.labels); }

Result<SourcePtr> BuildSetOp(ExecContext* ctx, const PlanNode& node) {
  const auto& b = As<BinaryExpr>(*node.expr);
  ASSIGN_OR_RETURN(SourcePtr left, BuildVector(ctx, node.child(0)));
  ASSIGN_OR_RETURN(SourcePtr right, BuildVector(ctx, node.child(1)));
  if (b.op == BinaryOp::kOr) {
    return SourcePtr(std::make_unique<OrSource>(ctx, &node, std::move(left), std::move(right)));
  }
  struct State {
    SourcePtr right;
    Grouping signature;
    Presence present;
  };
  auto state =
      std::make_shared<State>(State{std::move(right), SignatureOf(*b.matching), Presence()});
  auto open = [ctx, state]() -> Status {
    const int64_t samples = ctx->budget->samples();
    RETURN_IF_ERROR(state->right->Open());
    RETURN_IF_ERROR(state->present.AddAll(ctx, state->right.get(), state->signature));
    state->right.reset();
    const int64_t held = ctx->budget->samples() - samples;
    if (held > 0) ctx->budget->ReleaseSamples(static_cast<uint64_t>(held));
    return OkStatus();
  };
  const bool unless = b.op == BinaryOp::kUnless;
  auto map = [state, unless](Row* row, Worker*) {
    Labels signature;
    state->signature.LabelsOf(row->labels, &signature);
    const StepMask* present = state->present.Find(signature);
    StepMask keep(row->steps());
    if (present == nullptr) {
      if (!unless) row->Restrict(keep);
      return OkStatus();
    }
    keep.SetAll();
    if (unless) {
      keep.AndNot(*present);
    } else {
      keep.And(*present);
    }
    row->Restrict(keep);
    return OkStatus();
  };
  return SourcePtr(
      std::make_unique<MapSource>(ctx, &node, std::move(left), NameRule::kKeep, map, open, true));
}

}  // namespace deucalion::promql
