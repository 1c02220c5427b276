#include "promql/exec/map.h"

#include <algorithm>

namespace deucalion::promql {

Status MapSource::DoOpen() {
  if (on_open_) RETURN_IF_ERROR(on_open_());
  return child_->Open();
}

Status MapSource::DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) {
  Wanted below = wanted;
  below.labels = below.labels || (needs_labels_ && wanted.samples);
  RETURN_IF_ERROR(child_->Produce(batch, below, worker, out));
  for (Row& row : *out) {
    if (wanted.samples && map_) RETURN_IF_ERROR(map_(&row, worker));
    if (names_ == NameRule::kKeep) continue;
    if (ctx().delayed_names) {
      row.drop_name = true;
    } else if (wanted.labels && HasMetadataLabels(row.labels)) {
      DropMetadataLabels(row.labels, &row.labels);
    }
  }
  return OkStatus();
}

void MapSource::LabelLater(size_t batch, size_t row, Labels* out) const {
  child_->LabelLater(batch, row, out);
  if (names_ == NameRule::kDrop && !ctx().delayed_names && HasMetadataLabels(*out)) {
    DropMetadataLabels(*out, out);
  }
}

Status RepeatSource::DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) {
  Worker::BlockLease once(worker);
  RETURN_IF_ERROR(child_->Produce(batch, wanted, worker, once.get()));
  uint64_t added = 0;
  for (Row& from : *once) {
    Row& row = out->Add(wanted.samples ? steps() : 0);
    row.labels = from.labels;
    row.drop_name = from.drop_name;
    if (!wanted.samples) continue;
    if (from.floats.Test(0)) {
      std::fill(row.values.begin(), row.values.end(), from.values[0]);
      row.floats.SetAll();
    } else if (from.HistogramAt(0)) {
      row.histograms.assign(steps(), from.histograms[0]);
    }
    added += row.SizeInSamples() - from.SizeInSamples();
  }
  worker->in_flight_samples += added;
  return ctx().budget->AddSamples(added);
}

Status UniqueSource::AllDiffer(bool* differ) {
  std::vector<std::vector<uint64_t>> parts(BatchSlots(ctx()));
  std::vector<uint64_t> all;
  auto work = [&](size_t slot, Block* block, Worker*) {
    for (const Row& row : *block) parts[slot].push_back(row.labels.Hash());
    return OkStatus();
  };
  auto merge = [&](size_t slot) {
    all.insert(all.end(), parts[slot].begin(), parts[slot].end());
    parts[slot].clear();
    return OkStatus();
  };
  RETURN_IF_ERROR(ForEachBatch(&ctx(), child_.get(), Wanted{true, false}, work, merge));
  std::sort(all.begin(), all.end());
  *differ = std::adjacent_find(all.begin(), all.end()) == all.end();
  return OkStatus();
}

Status UniqueSource::DoOpen() {
  RETURN_IF_ERROR(child_->Open());
  bool differ = true;
  RETURN_IF_ERROR(AllDiffer(&differ));
  if (differ) return OkStatus();
  collected_ = true;
  const int64_t samples = ctx().budget->samples();
  RETURN_IF_ERROR(CollectRows(&ctx(), child_.get(), &rows_));
  const size_t before = rows_.size();
  RETURN_IF_ERROR(MergeRowsWithSameLabels(&rows_));
  if (policy_ == Policy::kRefuse && rows_.size() != before) return SameLabelsetError();
  return AccountRows(samples);
}

Status UniqueSource::DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) {
  if (collected_) return RowsSource::DoProduce(batch, wanted, worker, out);
  return child_->Produce(batch, wanted, worker, out);
}

SourcePtr GuardDroppedNames(ExecContext* ctx, const PlanNode& node, NameState child_names,
                            UniqueSource::Policy policy, SourcePtr source) {
  if (ctx->delayed_names || child_names != NameState::kVary) return source;
  return std::make_unique<UniqueSource>(ctx, &node, std::move(source), policy);
}

}  // namespace deucalion::promql
