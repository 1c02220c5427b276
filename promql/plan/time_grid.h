// The times an expression is evaluated at: start, start + step, … A value.
#ifndef DEUCALION_PROMQL_PLAN_TIME_GRID_H_
#define DEUCALION_PROMQL_PLAN_TIME_GRID_H_

#include <cstddef>
#include <cstdint>

namespace deucalion::promql {

struct TimeGrid {
  int64_t start_ms = 0;
  int64_t step_ms = 1;  // > 0, also when there is but one step
  size_t steps = 1;     // may be 0: a subquery without a point in its range

  int64_t TimeAt(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  int64_t end_ms() const { return steps == 0 ? start_ms : TimeAt(steps - 1); }
  // One step: the order of an instant vector counts, and duplicates are looked for later.
  bool instant() const { return steps == 1; }

  friend bool operator==(const TimeGrid&, const TimeGrid&) = default;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PLAN_TIME_GRID_H_
