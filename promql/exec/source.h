// Source: an operator. It yields the series of one plan node, batch by batch, each series over all
// steps at once.
//
// A source is opened once, on the thread that runs the query; that is when operators which need all
// of their input (aggregations, joins, sorts) work it off. Then its batches are produced in any
// order and by several threads at once, each batch with its samples at most once (with labels alone
// as often as wanted). What a batch holds does not depend on the number of threads.
//
// Rows may be without a sample: whoever keeps rows drops those. With labels not wanted, rows come
// without; with samples not wanted, there may be more rows than with them.
#ifndef DEUCALION_PROMQL_EXEC_SOURCE_H_
#define DEUCALION_PROMQL_EXEC_SOURCE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "base/status.h"
#include "promql/exec/context.h"
#include "promql/exec/row.h"
#include "promql/plan/plan.h"

namespace deucalion::promql {

struct Wanted {
  bool labels = true;
  bool samples = true;
};

class Source {
 public:
  // Both must outlive the source.
  Source(ExecContext* ctx, const PlanNode* node)
      : ctx_(ctx), node_(node), id_(++ctx->sources_made) {}
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  Status Open();
  virtual size_t batches() const = 0;
  // Replaces *out.
  Status Produce(size_t batch, Wanted wanted, Worker* worker, Block* out);

  // Whether a batch has the same rows in the same places with and without labels, so that those of
  // a few rows can be asked for later.
  virtual bool CanLabelLater() const { return false; }
  // What Produce with labels would have put into row `row` of `batch`. Only if CanLabelLater().
  virtual void LabelLater(size_t batch, size_t row, Labels* out) const {}

  const PlanNode& node() const { return *node_; }
  // Told by a source that sits on this one for the same node: only the outermost counts.
  void CountedAbove(const PlanNode* node) { counts_ = counts_ && node != node_; }
  size_t steps() const { return node_->grid.steps; }

 protected:
  virtual Status DoOpen() = 0;
  virtual Status DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) = 0;
  ExecContext& ctx() const { return *ctx_; }
  // Of this source alone in its query, never 0. Addresses are not: workers outlive sources, and the
  // next source may lie where one has been.
  uint64_t id() const { return id_; }

 private:
  ExecContext* const ctx_;
  const PlanNode* const node_;
  const uint64_t id_;
  bool counts_ = true;  // in the node's statistics
};

using SourcePtr = std::unique_ptr<Source>;

// Rows per batch: 256, fewer when there are so many steps that a batch would pass 8 MiB.
size_t BatchRows(size_t steps);

// Charges a query for the block of one batch while it is worked on.
class ScratchCharge {
 public:
  ScratchCharge(ExecContext* ctx, size_t steps, bool samples);
  ~ScratchCharge();
  Status Take();

 private:
  ExecContext* const ctx_;
  const uint64_t bytes_;
  bool taken_ = false;
};

// For every batch of `source`: produce and `work(slot, block, worker)`, on the pool's threads; then
// `merge(slot)` on the calling thread, in the order of the batches. A slot (0 ..< BatchSlots(ctx))
// is the batch's own from work to merge. Samples in flight are released after merge. Annotations
// and counts go to the context in batch order too.
Status ForEachBatch(ExecContext* ctx, Source* source, Wanted wanted,
                    const std::function<Status(size_t slot, Block* block, Worker* worker)>& work,
                    const std::function<Status(size_t slot)>& merge);
size_t BatchSlots(const ExecContext& ctx);

// All rows of an opened source that have a sample, in order, charged to the budget.
Status CollectRows(ExecContext* ctx, Source* source, std::vector<Row>* rows);

// Serves rows out of memory: base of the operators that need all their input.
class RowsSource : public Source {
 public:
  using Source::Source;
  size_t batches() const override;

 protected:
  Status DoProduce(size_t batch, Wanted wanted, Worker* worker, Block* out) override;
  // Counts the rows as held samples instead of what the input still held since `samples_before`.
  Status AccountRows(int64_t samples_before);

  std::vector<Row> rows_;
};

// Makes one series of those with equal labels. Two samples at one step are an error.
Status MergeRowsWithSameLabels(std::vector<Row>* rows);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_SOURCE_H_
