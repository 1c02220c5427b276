// topk, bottomk and limitk.
//
// Series come in order and are dropped as soon as they have been looked at; what stays is a heap of
// k values per group and step, and the labels of the series that made it into one. The heaps move
// their elements exactly as upstream's do, so of equal values the same ones stay.
#include <algorithm>
#include <cmath>
#include <utility>

#include "promql/exec/aggregate.h"
#include "promql/exec/build.h"
#include "promql/exec/notes.h"

namespace deucalion::promql {

PickSource::PickSource(ExecContext* ctx, const PlanNode* node, SourcePtr child)
    : RowsSource(ctx, node),
      expr_(As<AggregateExpr>(*node->expr)),
      child_(std::move(child)),
      grouping_(expr_),
      limit_(expr_.op == AggregateOp::kLimitk),
      top_(expr_.op == AggregateOp::kTopk) {}

Status PickSource::DoOpen() {
  ASSIGN_OR_RETURN(const ScalarColumn param, EvaluateScalar(&ctx(), node().child(1)));
  const int64_t samples = ctx().budget->samples();
  RETURN_IF_ERROR(child_->Open());
  ASSIGN_OR_RETURN(const ParameterCheck check, CheckParameter(&ctx(), expr_, steps(), param));
  if (check.nothing) {
    // Its warnings and statistics count all the same.
    const auto ignore = [](size_t, Block*, Worker*) { return OkStatus(); };
    const auto nothing = [](size_t) { return OkStatus(); };
    return ForEachBatch(&ctx(), child_.get(), Wanted{false, true}, ignore, nothing);
  }
  k_.resize(steps());
  for (size_t step = 0; step < steps(); step++) {
    k_[step] = std::max<int64_t>(0, static_cast<int64_t>(param[step]));
  }

  // Few series make it into a heap: the others' labels need not be read.
  labels_later_ = !limit_ && grouping_.single() && child_->CanLabelLater();
  std::vector<Part> parts(BatchSlots(ctx()));
  auto work = [&](size_t slot, Block* block, Worker* worker) {
    Part& part = parts[slot];
    for (size_t i = 0; i < block->size(); i++) {
      Row& row = (*block)[i];
      if (!row.Any()) continue;
      if (!limit_ && row.has_histograms()) {
        worker->annotations.Add(notes::HistogramIgnoredInAggregation(
            top_ ? "topk" : "bottomk", static_cast<int32_t>(expr_.span.begin)));
        row.DropHistograms();
      }
      part.places.push_back(i);
      part.rows.push_back(std::move(row));
      row = Row();
    }
    return OkStatus();
  };
  size_t batch = 0;
  auto merge = [&](size_t slot) -> Status {
    Part& part = parts[slot];
    for (size_t i = 0; i < part.rows.size(); i++) {
      RETURN_IF_ERROR(AddRow(batch, part.places[i], &part.rows[i]));
    }
    part.rows.clear();
    part.places.clear();
    batch++;
    return OkStatus();
  };
  RETURN_IF_ERROR(ForEachBatch(&ctx(), child_.get(), Wanted{!labels_later_, true}, work, merge));
  if (!limit_) RETURN_IF_ERROR(FinishHeaps());
  return AccountRows(samples);
}

Status PickSource::AddRow(size_t batch, size_t place, Row* row) {
  Labels group_labels;
  if (!grouping_.single()) grouping_.LabelsOf(row->labels, &group_labels);
  bool added = false;
  const uint32_t group = table_.Find(group_labels, &added);
  if (added) {
    if (limit_) {
      taken_.resize(taken_.size() + steps());
    } else {
      heaps_.resize(heaps_.size() + steps());
    }
    RETURN_IF_ERROR(ctx().budget->AddBytes(steps() * (limit_ ? 4 : sizeof(Heap)) + 200));
  }
  if (limit_) return AddLimited(group, row);
  const size_t kept = kept_.size();
  AddToHeaps(group, batch, place, row);
  if (kept_.size() == kept) return OkStatus();
  return ctx().budget->AddBytes(sizeof(Kept) + kept_.back().labels.bytes().size());
}

Status PickSource::AddLimited(uint32_t group, Row* row) {
  StepMask keep(steps());
  for (size_t step = 0; step < steps(); step++) {
    uint32_t& taken = taken_[group * steps() + step];
    if (!row->SampleAt(step) || taken >= k_[step]) continue;
    taken++;
    keep.Set(step);
  }
  if (!keep.Any()) return OkStatus();
  row->Restrict(keep);
  const uint64_t samples = row->SizeInSamples(), bytes = row->SizeBytes();
  rows_.push_back(std::move(*row));
  RETURN_IF_ERROR(ctx().budget->AddBytes(bytes));
  return ctx().budget->AddSamples(samples);
}

// What is to leave the heap first: the smallest of the top, the largest of the bottom, NaN before
// all.
bool PickSource::Less(double a, double b) const {
  if (std::isnan(a)) return true;
  return top_ ? a < b : a > b;
}

void PickSource::SiftUp(Heap* heap) const {
  size_t j = heap->size() - 1;
  while (j > 0) {
    const size_t i = (j - 1) / 2;
    if (!Less((*heap)[j].value, (*heap)[i].value)) break;
    std::swap((*heap)[i], (*heap)[j]);
    j = i;
  }
}

void PickSource::SiftDown(Heap* heap) const {
  const size_t n = heap->size();
  size_t i = 0;
  for (;;) {
    size_t j = 2 * i + 1;
    if (j >= n) break;
    if (j + 1 < n && Less((*heap)[j + 1].value, (*heap)[j].value)) j++;
    if (!Less((*heap)[j].value, (*heap)[i].value)) break;
    std::swap((*heap)[i], (*heap)[j]);
    i = j;
  }
}

void PickSource::AddToHeaps(uint32_t group, size_t batch, size_t place, Row* row) {
  uint32_t series = kNotKept;
  auto keep = [&] {
    if (series == kNotKept) {
      series = static_cast<uint32_t>(kept_.size());
      kept_.push_back({std::move(row->labels), row->drop_name, batch, place});
    }
    return series;
  };
  row->floats.ForEach([&](size_t step) {
    const int64_t k = k_[step];
    if (k < 1) return;
    Heap& heap = heaps_[group * steps() + step];
    const double v = row->values[step];
    if (static_cast<int64_t>(heap.size()) < k) {
      heap.push_back({v, keep()});
      SiftUp(&heap);
      return;
    }
    const double worst = heap[0].value;
    const bool better = top_ ? worst < v : worst > v;
    if (better || (std::isnan(worst) && !std::isnan(v))) {
      heap[0] = {v, keep()};
      SiftDown(&heap);
    }
  });
}

Status PickSource::FinishHeaps() {
  constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> row_of(kept_.size(), kNone);
  uint64_t bytes = 0;
  for (Heap& heap : heaps_) {
    // Best first: what an instant query shows.
    std::stable_sort(heap.begin(), heap.end(), [this](const Entry& a, const Entry& b) {
      if (std::isnan(a.value)) return false;
      return std::isnan(b.value) || Less(b.value, a.value);
    });
  }
  for (size_t i = 0; i < heaps_.size(); i++) {
    for (const Entry& e : heaps_[i]) {
      if (row_of[e.series] == kNone) {
        row_of[e.series] = rows_.size();
        Row& row = rows_.emplace_back();
        row.Reset(steps());
        Kept& kept = kept_[e.series];
        row.labels = std::move(kept.labels);
        if (labels_later_) child_->LabelLater(kept.batch, kept.row, &row.labels);
        row.drop_name = kept.drop_name;
        bytes += row.SizeBytes();
      }
      rows_[row_of[e.series]].SetFloat(i % steps(), e.value);
    }
  }
  heaps_.clear();
  kept_.clear();
  return ctx().budget->AddBytes(bytes);
}

}  // namespace deucalion::promql
