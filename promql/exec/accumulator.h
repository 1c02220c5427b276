// Accumulator: the state of an aggregation for a number of groups, each over all steps.
//
// One accumulator per batch of series and one for the whole: series are added to the batch's in
// order, batches are merged into the whole in order. So the result does not depend on threads, and
// within one batch it is bit for bit what a plain loop over the series computes. Thread-compatible.
#ifndef DEUCALION_PROMQL_EXEC_ACCUMULATOR_H_
#define DEUCALION_PROMQL_EXEC_ACCUMULATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "promql/annotations.h"
#include "promql/ast.h"
#include "promql/exec/row.h"
#include "promql/exec/scalar_column.h"

namespace deucalion::promql {

class Accumulator {
 public:
  virtual ~Accumulator() = default;
  // Forgets all groups, keeps the memory.
  virtual void Clear() = 0;
  // One more group, empty.
  virtual void AddGroup() = 0;
  // May take the row's memory.
  virtual void Add(size_t group, Row* row, Annotations* annotations) = 0;
  // Appends group `from_group` of `from` (of the same kind; may be emptied) to `group`.
  virtual void Merge(size_t group, Accumulator* from, size_t from_group,
                     Annotations* annotations) = 0;
  // Fills a reset row; steps without a result stay empty. Once per group.
  virtual void Finish(size_t group, Row* out, Annotations* annotations) = 0;
  // Of one group without histograms.
  virtual uint64_t BytesPerGroup() const = 0;
};

// `pos`: of the aggregated expression. `param`: φ of quantile, must outlive the accumulator. Null
// for operators that are not of this kind (topk, count_values, …).
std::unique_ptr<Accumulator> MakeAccumulator(AggregateOp op, size_t steps, int32_t pos,
                                             const ScalarColumn* param);

// sum and avg, which take histograms too.
std::unique_ptr<Accumulator> MakeSumAccumulator(bool mean, size_t steps, int32_t pos);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_ACCUMULATOR_H_
