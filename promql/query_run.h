// One query from plan to value.
#ifndef DEUCALION_PROMQL_QUERY_RUN_H_
#define DEUCALION_PROMQL_QUERY_RUN_H_

#include <cstdint>

#include "base/cancel.h"
#include "promql/engine.h"
#include "promql/exec/budget.h"
#include "promql/parser/parser.h"

namespace deucalion::promql {

struct QueryTimes {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0 = instant
};

// Plans, evaluates and fills everything of *result but the timings that lie outside of it. All
// arguments must outlive the call.
void RunQuery(const EngineOptions& engine, const QueryOptions& options, const ParsedExpr& parsed,
              const QueryTimes& times, const CancelToken& deadline, Queryable& queryable,
              SharedMemory* memory, QueryResult* result);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_QUERY_RUN_H_
