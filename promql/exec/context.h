// What the operators of one running query share, and what each thread working for it owns.
#ifndef DEUCALION_PROMQL_EXEC_CONTEXT_H_
#define DEUCALION_PROMQL_EXEC_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "base/thread_annotations.h"
#include "base/worker_pool.h"
#include "promql/annotations.h"
#include "promql/engine.h"
#include "promql/exec/budget.h"
#include "promql/exec/range_scratch.h"
#include "promql/exec/row.h"
#include "promql/plan/plan.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::promql {

// Samples looked at, in all and (when wanted) per step of the query.
struct SampleCounts {
  uint64_t queryable = 0;
  uint64_t read = 0;
  std::vector<uint64_t> queryable_per_step, read_per_step;

  void Merge(const SampleCounts& other);
};

// Scratch and results of one thread for one batch at a time. Not shared while in use.
class Worker {
 public:
  // For a query of `steps`.
  Worker(bool per_step, size_t steps) { Begin(per_step, steps); }
  // The same for another query: keeps memory, and nothing else.
  void Begin(bool per_step, size_t steps);
  // Of what it keeps.
  size_t SizeBytes() const;

  // Counts `queryable` samples in use at `step` of a node, `read` of them for the first time.
  void CountSamples(const PlanNode& node, size_t step, uint64_t queryable, uint64_t read);
  // The same for all steps at once.
  void CountSamplesTotal(const PlanNode& node, uint64_t queryable, uint64_t read) {
    counts.queryable += queryable * node.count_factor;
    counts.read += node.count_factor == 0 ? 0 : read;
  }
  bool per_step() const { return per_step_; }

  Annotations annotations;
  SampleCounts counts;
  uint64_t in_flight_samples = 0;  // charged to the budget by the leaves of the present batch
  SampleColumns columns;           // of the series being decoded
  RangeScratch range;
  SelectScratch select;
  std::vector<double> scratch;

  // A block for as long as the lease lives.
  class BlockLease {
   public:
    explicit BlockLease(Worker* w);
    ~BlockLease();
    BlockLease(const BlockLease&) = delete;
    Block& operator*() { return *block_; }
    Block* operator->() { return block_.get(); }
    Block* get() { return block_.get(); }

   private:
    Worker* worker_;
    std::unique_ptr<Block> block_;
  };

 private:
  bool per_step_ = false;
  size_t steps_ = 0;
  std::vector<std::unique_ptr<Block>> free_blocks_;
};

// Everything const is thread-safe; the rest belongs to the thread that runs the query.
struct ExecContext {
  const EngineOptions& options;
  int64_t lookback_ms = 0;
  bool delayed_names = false;
  size_t steps = 1;  // of the whole query
  Querier* querier = nullptr;
  const Plan* plan = nullptr;
  std::vector<std::shared_ptr<const SeriesSet>> selected;  // by PlanNode::selection
  QueryBudget* budget = nullptr;
  CancelToken deadline = CancelToken::Never();  // of the engine
  const CancelToken* client = nullptr;  // may be null
  WorkerPool* pool = nullptr;           // may be null
  bool per_step_stats = false;
  std::vector<NodeStats>* node_stats = nullptr;  // by PlanNode::id; null = not wanted
  Annotations annotations;
  SampleCounts counts;
  uint64_t sources_made = 0;

  ~ExecContext();

  // The series of a selector of the plan; looked up when first asked for.
  Result<std::shared_ptr<const SeriesSet>> Select(const PlanNode& selector);

  // Cancelled or out of time, in upstream's words.
  Status CheckCancel() const;

  std::unique_ptr<Worker> TakeWorker() EXCLUDES(mu);
  void ReturnWorker(std::unique_ptr<Worker> worker) EXCLUDES(mu);

  Mutex mu;
  std::vector<std::unique_ptr<Worker>> free_workers GUARDED_BY(mu);
};

// "query timed out in …", "query was canceled in …"; other errors as they are.
Status InQueryWords(Status status, std::string_view where);
// Of a selection that failed.
Status SelectError(Status status);
Status ExecutionError(std::string message);
Status SameLabelsetError();

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_CONTEXT_H_
