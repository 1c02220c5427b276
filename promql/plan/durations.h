// Duration expressions: [5m + step()], offset (range() / 2).
#ifndef DEUCALION_PROMQL_PLAN_DURATIONS_H_
#define DEUCALION_PROMQL_PLAN_DURATIONS_H_

#include <cstdint>

#include "base/status.h"
#include "promql/ast.h"

namespace deucalion::promql {

// In milliseconds. `step_ms` and `range_ms` are what step() and range() stand for: 0 in an instant
// query. Offsets may be negative or zero, ranges and steps may not.
Result<int64_t> ResolveDuration(const DurationValue& duration, int64_t step_ms, int64_t range_ms,
                                bool allow_negative);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PLAN_DURATIONS_H_
