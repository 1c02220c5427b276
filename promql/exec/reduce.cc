#include "promql/exec/reduce.h"

#include <limits>
#include <set>
#include <string>

namespace deucalion::promql {

Labels LabelsOfAbsent(const Expr& arg) {
  const std::vector<Matcher>* matchers = nullptr;
  if (const auto* v = TryAs<VectorSelector>(arg)) matchers = &v->matchers;
  if (const auto* m = TryAs<MatrixSelector>(arg)) matchers = &m->vector().matchers;
  if (matchers == nullptr) return Labels();
  LabelsBuilder builder;
  std::set<std::string_view> seen;
  for (const Matcher& m : *matchers) {
    if (m.name() == kMetricName) continue;
    // A label matched twice is not known.
    if (m.type() == MatchType::kEqual && seen.insert(m.name()).second) {
      builder.Set(m.name(), m.value());
    } else {
      builder.Delete(m.name());
    }
  }
  return builder.Build();
}

Status AbsentSource::DoOpen() {
  RETURN_IF_ERROR(child_->Open());
  StepMask present(steps());
  std::vector<StepMask> parts(BatchSlots(ctx()));
  auto work = [&](size_t slot, Block* block, Worker*) {
    parts[slot].Reset(steps());
    for (const Row& row : *block) row.AddPresence(&parts[slot]);
    return OkStatus();
  };
  auto merge = [&](size_t slot) {
    present.Or(parts[slot]);
    return OkStatus();
  };
  RETURN_IF_ERROR(ForEachBatch(&ctx(), child_.get(), Wanted{false, true}, work, merge));
  if (present.All()) return OkStatus();
  Row& row = rows_.emplace_back();
  row.Reset(steps());
  row.labels = LabelsOfAbsent(StripParens(*As<Call>(*node().expr).args[0]));
  // Upstream counts it among the functions that drop names: matters for __type__ and __unit__.
  row.drop_name = true;
  for (size_t step = 0; step < steps(); step++) {
    if (!present.Test(step)) row.SetFloat(step, 1);
  }
  return AccountRows(ctx().budget->samples());
}

Status SingleSource::DoOpen() {
  if (steps() == 0) return OkStatus();
  Row& row = rows_.emplace_back();
  row.Reset(steps());
  RETURN_IF_ERROR(fill_(&row));
  return AccountRows(ctx().budget->samples());
}

namespace {

// Which steps have seen one float, which more than one.
struct Seen {
  StepMask once, twice;
  std::vector<double> values;
};

void AddTo(Seen* seen, const StepMask& floats, const StepMask& more, const double* values) {
  floats.ForEach([&](size_t step) {
    if (seen->once.Test(step)) {
      seen->twice.Set(step);
    } else {
      seen->once.Set(step);
      seen->values[step] = values[step];
    }
  });
  seen->twice.Or(more);
}

}  // namespace

Result<ScalarColumn> ScalarOfVector(ExecContext* ctx, const PlanNode& vector) {
  ASSIGN_OR_RETURN(SourcePtr source, BuildVector(ctx, vector));
  RETURN_IF_ERROR(source->Open());
  const size_t steps = source->steps();
  const StepMask none(steps);
  auto reset = [&](Seen* s) {
    s->once.Reset(steps);
    s->twice.Reset(steps);
    s->values.assign(steps, std::numeric_limits<double>::quiet_NaN());
  };
  Seen all;
  reset(&all);
  std::vector<Seen> parts(BatchSlots(*ctx));
  auto work = [&](size_t slot, Block* block, Worker*) {
    reset(&parts[slot]);
    for (const Row& row : *block) AddTo(&parts[slot], row.floats, none, row.values.data());
    return OkStatus();
  };
  auto merge = [&](size_t slot) {
    AddTo(&all, parts[slot].once, parts[slot].twice, parts[slot].values.data());
    return OkStatus();
  };
  RETURN_IF_ERROR(ForEachBatch(ctx, source.get(), Wanted{false, true}, work, merge));
  all.twice.ForEach(
      [&](size_t step) { all.values[step] = std::numeric_limits<double>::quiet_NaN(); });
  if (steps == 0) return ScalarColumn(0);
  return ScalarColumn(std::move(all.values));
}

}  // namespace deucalion::promql
