#include <bit>
#include <string>
#include <utility>

#include "model/value.h"
#include "promql/exec/aggregate.h"

namespace deucalion::promql {

CountValuesSource::CountValuesSource(ExecContext* ctx, const PlanNode* node, SourcePtr child)
    : RowsSource(ctx, node),
      expr_(As<AggregateExpr>(*node->expr)),
      child_(std::move(child)),
      grouping_(expr_),
      label_(As<StringLiteral>(StripParens(*expr_.param)).value) {
  if (grouping_.keeps()) grouping_.KeepAlso(label_);
}

Status CountValuesSource::DoOpen() {
  if (!IsValidLabelName(label_)) {
    return ExecutionError("invalid label name " + GoQuote(label_));
  }
  const int64_t samples = ctx().budget->samples();
  RETURN_IF_ERROR(child_->Open());
  std::vector<std::vector<Row>> parts(BatchSlots(ctx()));
  auto work = [&](size_t slot, Block* block, Worker*) {
    parts[slot].clear();
    for (Row& row : *block) {
      parts[slot].push_back(std::move(row));
      row = Row();
    }
    return OkStatus();
  };
  auto merge = [&](size_t slot) -> Status {
    for (const Row& row : parts[slot]) RETURN_IF_ERROR(AddRow(row));
    parts[slot].clear();
    return OkStatus();
  };
  RETURN_IF_ERROR(ForEachBatch(&ctx(), child_.get(), Wanted{}, work, merge));
  return AccountRows(samples);
}

uint32_t CountValuesSource::GroupOf(LabelsView series, std::string_view text) {
  LabelsBuilder builder(series);
  builder.Set(label_, text);
  Labels group;
  grouping_.LabelsOf(builder.Build(), &group);
  bool added = false;
  const uint32_t id = table_.Find(group, &added);
  if (added) {
    Row& row = rows_.emplace_back();
    row.Reset(steps());
    row.labels = std::move(group);
  }
  return id;
}

Status CountValuesSource::AddRow(const Row& row) {
  const size_t groups = rows_.size();
  auto count = [&](uint32_t group, size_t step) {
    Row& r = rows_[group];
    r.SetFloat(step, r.floats.Test(step) ? r.values[step] + 1 : 1);
  };
  // Values often stay the same from step to step.
  uint64_t last_bits = 0;
  uint32_t last_group = 0;
  bool have_last = false;
  row.floats.ForEach([&](size_t step) {
    const uint64_t bits = std::bit_cast<uint64_t>(row.values[step]);
    if (!have_last || bits != last_bits) {
      last_group = GroupOf(row.labels, FormatFloatF(row.values[step]));
      last_bits = bits;
      have_last = true;
    }
    count(last_group, step);
  });
  for (size_t step = 0; step < row.histograms.size(); step++) {
    if (row.histograms[step] == nullptr) continue;
    count(GroupOf(row.labels, row.histograms[step]->ToString()), step);
  }
  const uint64_t added = rows_.size() - groups;
  return added == 0 ? OkStatus() : ctx().budget->AddBytes(added * (steps() * 9 + 400));
}

}  // namespace deucalion::promql
