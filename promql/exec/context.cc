#include "promql/exec/context.h"

#include <string>
#include <utility>

namespace deucalion::promql {

void SampleCounts::Merge(const SampleCounts& other) {
  queryable += other.queryable;
  read += other.read;
  for (size_t i = 0; i < other.queryable_per_step.size(); i++) {
    queryable_per_step[i] += other.queryable_per_step[i];
    read_per_step[i] += other.read_per_step[i];
  }
}

namespace {

// A small query is mostly allocations, so a thread keeps the worker of its last one, if it is
// small.
thread_local std::unique_ptr<Worker> kept_worker;
constexpr size_t kKeptBytes = 32 << 10;

template <typename T>
size_t VectorBytes(const std::vector<T>& v) {
  return v.capacity() * sizeof(T);
}

}  // namespace

void Worker::Begin(bool per_step, size_t steps) {
  per_step_ = per_step;
  steps_ = steps;
  annotations.Clear();
  counts = SampleCounts();
  in_flight_samples = 0;
  columns.Clear();
  // Sources are counted anew in each query.
  range.owner = 0;
  range.noted_name.clear();
  range.refs.clear();
  select.owner = 0;
  if (!per_step) return;
  counts.queryable_per_step.resize(steps);
  counts.read_per_step.resize(steps);
}

size_t Worker::SizeBytes() const {
  size_t bytes = VectorBytes(columns.times) + VectorBytes(columns.values) +
                 VectorBytes(columns.histograms) + VectorBytes(columns.start_times) +
                 VectorBytes(range.times) + VectorBytes(range.floats.begin) * 2 +
                 VectorBytes(range.edges) + VectorBytes(range.histograms.begin) * 2 +
                 VectorBytes(range.refs) + VectorBytes(select.times) + VectorBytes(select.sample) +
                 VectorBytes(scratch);
  for (const std::unique_ptr<Block>& block : free_blocks_) bytes += block->SizeBytes();
  return bytes;
}

ExecContext::~ExecContext() {
  MutexLock lock(mu);
  if (free_workers.empty()) return;
  std::unique_ptr<Worker>& last = free_workers.back();
  last->Begin(false, 0);
  if (last->SizeBytes() <= kKeptBytes) kept_worker = std::move(last);
}

void Worker::CountSamples(const PlanNode& node, size_t step, uint64_t queryable, uint64_t read) {
  if (node.count_factor == 0) return;
  CountSamplesTotal(node, queryable, read);
  if (!per_step_) return;
  // Below kRepeat the one step stands for all of them.
  if (node.grid.steps == 1 && steps_ > 1) {
    for (uint64_t& n : counts.queryable_per_step) n += queryable;
  } else if (steps_ == 1) {
    // The steps of a subquery that is the whole of an instant query.
    counts.queryable_per_step[0] += queryable;
    step = 0;
  } else {
    counts.queryable_per_step[step] += queryable;
  }
  counts.read_per_step[step] += read;
}

Worker::BlockLease::BlockLease(Worker* w) : worker_(w) {
  if (w->free_blocks_.empty()) {
    block_ = std::make_unique<Block>();
  } else {
    block_ = std::move(w->free_blocks_.back());
    w->free_blocks_.pop_back();
  }
}

Worker::BlockLease::~BlockLease() {
  block_->Clear();
  worker_->free_blocks_.push_back(std::move(block_));
}

Status InQueryWords(Status status, std::string_view where) {
  if (status.code() == StatusCode::kDeadlineExceeded) {
    return Status(StatusCode::kDeadlineExceeded, "query timed out in " + std::string(where));
  }
  if (status.code() == StatusCode::kCanceled) {
    return Status(StatusCode::kCanceled, "query was canceled in " + std::string(where));
  }
  return status;
}

Status SelectError(Status status) {
  return InQueryWords(std::move(status).WithContext("expanding series"), "expression evaluation");
}

Status ExecContext::CheckCancel() const {
  Status status = deadline.Check();
  if (status.ok() && client != nullptr) status = client->Check();
  return InQueryWords(std::move(status), "expression evaluation");
}

Result<std::shared_ptr<const SeriesSet>> ExecContext::Select(const PlanNode& selector) {
  const auto at = static_cast<size_t>(selector.selection);
  selected.resize(plan->selections.size());
  if (selected[at] == nullptr) {
    const Selection& s = plan->selections[at];
    Result<std::unique_ptr<SeriesSet>> set =
        querier->Select(s.ordered, s.hints, *s.matchers, &deadline);
    if (!set.ok()) return SelectError(set.TakeStatus());
    selected[at] = std::move(*set);
  }
  return selected[at];
}

std::unique_ptr<Worker> ExecContext::TakeWorker() {
  MutexLock lock(mu);
  if (free_workers.empty() && kept_worker != nullptr) {
    kept_worker->Begin(per_step_stats, steps);
    return std::move(kept_worker);
  }
  if (free_workers.empty()) return std::make_unique<Worker>(per_step_stats, steps);
  std::unique_ptr<Worker> worker = std::move(free_workers.back());
  free_workers.pop_back();
  return worker;
}

void ExecContext::ReturnWorker(std::unique_ptr<Worker> worker) {
  MutexLock lock(mu);
  free_workers.push_back(std::move(worker));
}

Status ExecutionError(std::string message) {
  return Status(StatusCode::kExecution, std::move(message));
}

Status SameLabelsetError() {
  return ExecutionError("vector cannot contain metrics with the same labelset");
}

}  // namespace deucalion::promql
