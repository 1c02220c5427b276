#include "promql/exec/aggregate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/hash.h"
#include "model/value.h"
#include "promql/exec/build.h"
#include "promql/exec/map.h"
#include "promql/exec/notes.h"

namespace deucalion::promql {
namespace {

int32_t PosOf(const ExprPtr& e) { return static_cast<int32_t>(StripParens(*e).span.begin); }

}  // namespace

Result<ParameterCheck> CheckParameter(ExecContext* ctx, const AggregateExpr& a, size_t steps,
                                      const ScalarColumn& param) {
  double min = param[0], max = param[0];
  bool nan = false;
  for (size_t step = 0; step < (param.is_constant() ? 1 : steps); step++) {
    min = std::min(min, param[step]);
    max = std::max(max, param[step]);
    nan = nan || std::isnan(param[step]);
  }
  const int32_t pos = PosOf(a.param);
  switch (a.op) {
    case AggregateOp::kQuantile:
      if (nan) {
        ctx->annotations.Add(notes::InvalidQuantile(std::numeric_limits<double>::quiet_NaN(), pos));
      }
      if (!nan && max > 1) ctx->annotations.Add(notes::InvalidQuantile(max, pos));
      if (!nan && min < 0) ctx->annotations.Add(notes::InvalidQuantile(min, pos));
      return ParameterCheck{};
    case AggregateOp::kLimitRatio:
      if (nan) return ExecutionError("Ratio value is NaN");
      if (max == 0 && min == 0) return ParameterCheck{true};
      if (max > 1) ctx->annotations.Add(notes::InvalidRatio(max, 1, pos));
      if (min < -1) ctx->annotations.Add(notes::InvalidRatio(min, -1, pos));
      return ParameterCheck{};
    default:
      if (nan) return ExecutionError("Parameter value is NaN");
      if (max < 1) return ParameterCheck{true};
      if (min <= -9223372036854775808.0) {
        return ExecutionError("Scalar value " + FormatFloatG(min) + " underflows int64");
      }
      if (max >= 9223372036854774784.0) {
        return ExecutionError("Scalar value " + FormatFloatG(max) + " overflows int64");
      }
      return ParameterCheck{};
  }
}

AggregateSource::AggregateSource(ExecContext* ctx, const PlanNode* node, SourcePtr child)
    : RowsSource(ctx, node),
      expr_(As<AggregateExpr>(*node->expr)),
      child_(std::move(child)),
      grouping_(expr_) {}

std::unique_ptr<Accumulator> AggregateSource::NewState() const {
  return MakeAccumulator(expr_.op, steps(), PosOf(expr_.expr), &param_);
}

bool AggregateSource::NeedsLabels() const {
  if (!grouping_.single()) return true;
  // Only for the metric name in a warning about histograms.
  const bool names = ctx().delayed_names || node().child(0).names != NameState::kNone;
  return names && (expr_.op == AggregateOp::kSum || expr_.op == AggregateOp::kAvg);
}

Status AggregateSource::DoOpen() {
  if (expr_.op == AggregateOp::kQuantile) {
    ASSIGN_OR_RETURN(param_, EvaluateScalar(&ctx(), node().child(1)));
    RETURN_IF_ERROR(CheckParameter(&ctx(), expr_, steps(), param_).TakeStatus());
  }
  const int64_t samples = ctx().budget->samples();
  RETURN_IF_ERROR(child_->Open());
  whole_.state = NewState();
  std::vector<Part> parts(BatchSlots(ctx()));
  auto work = [&](size_t slot, Block* block, Worker* worker) {
    return AddBatch(&parts[slot], block, worker);
  };
  auto merge = [&](size_t slot) { return MergePart(&parts[slot]); };
  RETURN_IF_ERROR(ForEachBatch(&ctx(), child_.get(), Wanted{NeedsLabels(), true}, work, merge));
  RETURN_IF_ERROR(FinishGroups());
  whole_ = Part();
  ctx().budget->ReleaseBytes(charged_bytes_);
  return AccountRows(samples);
}

Status AggregateSource::AddBatch(Part* part, Block* block, Worker* worker) const {
  if (part->state == nullptr) part->state = NewState();
  part->state->Clear();
  part->table.Clear();
  part->drop_name.clear();
  Labels group_labels;
  uint64_t kept_bytes = 0;
  for (Row& row : *block) {
    if (!row.floats.Any() && !row.Any()) continue;
    if (!grouping_.single()) grouping_.LabelsOf(row.labels, &group_labels);
    bool added = false;
    const uint32_t group = part->table.Find(group_labels, &added);
    if (added) {
      part->state->AddGroup();
      part->drop_name.push_back(false);
    }
    if (row.drop_name) part->drop_name[group] = true;
    if (expr_.op == AggregateOp::kQuantile) kept_bytes += row.SizeBytes();
    part->state->Add(group, &row, &worker->annotations);
  }
  return kept_bytes == 0 ? OkStatus() : ctx().budget->AddBytes(kept_bytes);
}

Status AggregateSource::MergePart(Part* part) {
  uint64_t new_groups = 0;
  for (size_t i = 0; i < part->table.size(); i++) {
    bool added = false;
    const uint32_t group = whole_.table.Find(part->table.labels(i), &added);
    if (added) {
      new_groups++;
      whole_.state->AddGroup();
      whole_.drop_name.push_back(false);
    }
    if (part->drop_name[i]) whole_.drop_name[group] = true;
    whole_.state->Merge(group, part->state.get(), i, &ctx().annotations);
  }
  const uint64_t bytes = new_groups * (whole_.state->BytesPerGroup() + 200);
  charged_bytes_ += bytes;
  return ctx().budget->AddBytes(bytes);
}

Status AggregateSource::FinishGroups() {
  uint64_t bytes = 0;
  rows_.resize(whole_.table.size());
  for (size_t i = 0; i < rows_.size(); i++) {
    Row& row = rows_[i];
    row.Reset(steps());
    row.labels = whole_.table.labels(i);
    row.drop_name = whole_.drop_name[i];
    whole_.state->Finish(i, &row, &ctx().annotations);
    bytes += row.SizeBytes();
  }
  return ctx().budget->AddBytes(bytes);
}

namespace {

// limit_ratio: whether a series is kept depends on the hash of its labels alone.
Result<SourcePtr> BuildLimitRatio(ExecContext* ctx, const PlanNode& node, SourcePtr child) {
  const auto& a = As<AggregateExpr>(*node.expr);
  struct State {
    ScalarColumn ratio;
    bool nothing = false;
  };
  auto state = std::make_shared<State>();
  auto open = [ctx, &node, &a, state]() -> Status {
    ASSIGN_OR_RETURN(state->ratio, EvaluateScalar(ctx, node.child(1)));
    ASSIGN_OR_RETURN(const ParameterCheck check,
                     CheckParameter(ctx, a, node.grid.steps, state->ratio));
    state->nothing = check.nothing;
    return OkStatus();
  };
  auto map = [state](Row* row, Worker*) {
    constexpr double kMaxHash = 18446744073709551615.0;
    const double offset = static_cast<double>(XxHash64(row->labels.bytes())) / kMaxHash;
    StepMask keep(row->steps());
    for (size_t step = 0; step < row->steps() && !state->nothing; step++) {
      const double r = std::clamp(state->ratio[step], -1.0, 1.0);
      // A negative ratio is the complement of the positive one that makes up 1 with it.
      if (r > 0 ? offset < r : r < 0 && offset >= 1 + r) keep.Set(step);
    }
    row->Restrict(keep);
    return OkStatus();
  };
  return SourcePtr(
      std::make_unique<MapSource>(ctx, &node, std::move(child), NameRule::kKeep, map, open, true));
}

}  // namespace

Result<SourcePtr> BuildAggregate(ExecContext* ctx, const PlanNode& node) {
  ASSIGN_OR_RETURN(SourcePtr child, BuildVector(ctx, node.child(0)));
  switch (As<AggregateExpr>(*node.expr).op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
      return SourcePtr(std::make_unique<PickSource>(ctx, &node, std::move(child)));
    case AggregateOp::kLimitRatio:
      return BuildLimitRatio(ctx, node, std::move(child));
    case AggregateOp::kCountValues:
      return SourcePtr(std::make_unique<CountValuesSource>(ctx, &node, std::move(child)));
    default:
      return SourcePtr(std::make_unique<AggregateSource>(ctx, &node, std::move(child)));
  }
}

}  // namespace deucalion::promql
