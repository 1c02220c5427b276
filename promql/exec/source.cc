#include "promql/exec/source.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace deucalion::promql {
namespace {

// Adds the time from construction to destruction to a node's statistics.
class NodeTimer {
 public:
  NodeTimer(ExecContext* ctx, const PlanNode& node) : ctx_(ctx), node_(node) {
    if (ctx->node_stats != nullptr) started_ns_ = Clock::Real()->MonotonicNs();
  }
  ~NodeTimer() {
    if (ctx_->node_stats == nullptr) return;
    const int64_t spent = Clock::Real()->MonotonicNs() - started_ns_;
    MutexLock lock(ctx_->mu);
    NodeStats& stats = (*ctx_->node_stats)[static_cast<size_t>(node_.id)];
    stats.time_ns += spent;
    stats.peak_bytes = std::max(stats.peak_bytes, ctx_->budget->bytes());
  }

 private:
  ExecContext* const ctx_;
  const PlanNode& node_;
  int64_t started_ns_ = 0;
};

}  // namespace

Status Source::Open() {
  RETURN_IF_ERROR(ctx_->CheckCancel());
  if (!counts_) return DoOpen();
  NodeTimer timer(ctx_, *node_);
  return DoOpen();
}

Status Source::Produce(size_t batch, Wanted wanted, Worker* worker, Block* out) {
  out->Clear();
  if (ctx_->node_stats == nullptr || !counts_ || !wanted.samples) {
    return DoProduce(batch, wanted, worker, out);
  }
  NodeTimer timer(ctx_, *node_);
  RETURN_IF_ERROR(DoProduce(batch, wanted, worker, out));
  uint64_t series = 0, samples = 0;
  for (const Row& row : *out) {
    series += row.Any() ? 1 : 0;
    samples += row.SizeInSamples();
  }
  MutexLock lock(ctx_->mu);
  NodeStats& stats = (*ctx_->node_stats)[static_cast<size_t>(node_->id)];
  stats.series_out += series;
  stats.samples += samples;
  return OkStatus();
}

size_t BatchRows(size_t steps) {
  constexpr size_t kMaxRows = 256, kMaxValues = size_t{1} << 20;
  return std::clamp<size_t>(kMaxValues / std::max<size_t>(steps, 1), 1, kMaxRows);
}

ScratchCharge::ScratchCharge(ExecContext* ctx, size_t steps, bool samples)
    : ctx_(ctx), bytes_(samples ? BatchRows(steps) * steps * sizeof(double) : 0) {}

Status ScratchCharge::Take() {
  taken_ = true;
  return ctx_->budget->AddBytes(bytes_);
}

ScratchCharge::~ScratchCharge() {
  if (taken_) ctx_->budget->ReleaseBytes(bytes_);
}

size_t BatchSlots(const ExecContext& ctx) {
  // Enough that threads seldom wait for the slowest batch of a round.
  return ctx.pool == nullptr ? 1 : 4 * (ctx.pool->threads() + 1);
}

Status ForEachBatch(ExecContext* ctx, Source* source, Wanted wanted,
                    const std::function<Status(size_t, Block*, Worker*)>& work,
                    const std::function<Status(size_t)>& merge) {
  struct Done {
    Status status;
    Annotations annotations;
    uint64_t samples = 0;
  };
  const size_t batches = source->batches();
  const size_t slots = std::min(BatchSlots(*ctx), batches);
  std::vector<Done> done(slots);
  std::atomic<bool> failed{false};
  for (size_t first = 0; first < batches; first += slots) {
    const size_t n = std::min(slots, batches - first);
    auto run = [&](size_t slot) {
      if (failed.load(std::memory_order_relaxed)) return;
      Done& d = done[slot];
      std::unique_ptr<Worker> worker = ctx->TakeWorker();
      worker->in_flight_samples = 0;
      d.status = ctx->CheckCancel();
      ScratchCharge charge(ctx, source->steps(), wanted.samples);
      if (d.status.ok()) d.status = charge.Take();
      if (d.status.ok()) {
        Worker::BlockLease block(worker.get());
        d.status = source->Produce(first + slot, wanted, worker.get(), block.get());
        if (d.status.ok()) d.status = work(slot, block.get(), worker.get());
      }
      if (!d.status.ok()) failed.store(true, std::memory_order_relaxed);
      d.annotations = std::move(worker->annotations);
      worker->annotations.Clear();
      d.samples = worker->in_flight_samples;
      ctx->ReturnWorker(std::move(worker));
    };
    if (ctx->pool != nullptr && n > 1) {
      ctx->pool->ParallelFor(n, run);
    } else {
      for (size_t slot = 0; slot < n; slot++) run(slot);
    }
    for (size_t slot = 0; slot < n; slot++) {
      Done& d = done[slot];
      ctx->annotations.Merge(d.annotations);
      d.annotations.Clear();
      if (!d.status.ok()) return std::move(d.status);
      RETURN_IF_ERROR(merge(slot));
      ctx->budget->ReleaseSamples(d.samples);
      d.samples = 0;
    }
  }
  return OkStatus();
}

Status CollectRows(ExecContext* ctx, Source* source, std::vector<Row>* rows) {
  struct Part {
    std::vector<Row> rows;
    uint64_t samples = 0;
    uint64_t bytes = 0;
  };
  std::vector<Part> parts(BatchSlots(*ctx));
  auto work = [&](size_t slot, Block* block, Worker*) {
    Part& part = parts[slot];
    part.samples = part.bytes = 0;
    for (Row& row : *block) {
      if (!row.Any()) continue;
      part.samples += row.SizeInSamples();
      part.bytes += row.SizeBytes();
      part.rows.push_back(std::move(row));
      row = Row();
    }
    RETURN_IF_ERROR(ctx->budget->AddBytes(part.bytes));
    return ctx->budget->AddSamples(part.samples);
  };
  auto merge = [&](size_t slot) {
    std::vector<Row>& from = parts[slot].rows;
    rows->insert(rows->end(), std::make_move_iterator(from.begin()),
                 std::make_move_iterator(from.end()));
    from.clear();
    return OkStatus();
  };
  return ForEachBatch(ctx, source, Wanted{}, work, merge);
}

size_t RowsSource::batches() const {
  const size_t per_batch = BatchRows(steps());
  return (rows_.size() + per_batch - 1) / per_batch;
}

Status RowsSource::DoProduce(size_t batch, Wanted wanted, Worker*, Block* out) {
  const size_t per_batch = BatchRows(steps());
  const size_t end = std::min(rows_.size(), (batch + 1) * per_batch);
  for (size_t i = batch * per_batch; i < end; i++) {
    if (wanted.samples) {
      out->AddRow(std::move(rows_[i]));
    } else {
      Row& row = out->Add(0);
      row.labels = rows_[i].labels;
      row.drop_name = rows_[i].drop_name;
    }
  }
  return OkStatus();
}

Status RowsSource::AccountRows(int64_t samples_before) {
  uint64_t samples = 0;
  for (const Row& row : rows_) samples += row.SizeInSamples();
  const int64_t held = ctx().budget->samples() - samples_before;
  if (held > 0) ctx().budget->ReleaseSamples(static_cast<uint64_t>(held));
  return ctx().budget->AddSamples(samples);
}

namespace {

// Moves the samples of `from` into `into`.
Status MergeRow(Row* from, Row* into) {
  StepMask have(into->steps()), come(from->steps());
  into->AddPresence(&have);
  from->AddPresence(&come);
  if (have.Intersects(come)) return SameLabelsetError();
  from->floats.ForEach([&](size_t step) { into->SetFloat(step, from->values[step]); });
  for (size_t step = 0; step < from->histograms.size(); step++) {
    if (from->histograms[step] != nullptr) {
      into->SetHistogram(step, std::move(from->histograms[step]));
    }
  }
  return OkStatus();
}

}  // namespace

Status MergeRowsWithSameLabels(std::vector<Row>* rows) {
  if (rows->size() <= 1) return OkStatus();
  std::unordered_map<std::string_view, size_t> first;
  first.reserve(rows->size());
  size_t kept = 0;
  // Keys point into the labels' heap memory or into the row itself, so rows move only at the end.
  std::vector<bool> gone(rows->size());
  for (size_t i = 0; i < rows->size(); i++) {
    Row& row = (*rows)[i];
    auto [it, inserted] = first.try_emplace(row.labels.bytes(), i);
    if (inserted) {
      kept++;
      continue;
    }
    RETURN_IF_ERROR(MergeRow(&row, &(*rows)[it->second]));
    gone[i] = true;
  }
  if (kept == rows->size()) return OkStatus();
  size_t out = 0;
  for (size_t i = 0; i < rows->size(); i++) {
    if (gone[i]) continue;
    if (out != i) (*rows)[out] = std::move((*rows)[i]);
    out++;
  }
  rows->resize(out);
  return OkStatus();
}

}  // namespace deucalion::promql
