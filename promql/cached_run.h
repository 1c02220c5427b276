// A range query through the result cache.
#ifndef DEUCALION_PROMQL_CACHED_RUN_H_
#define DEUCALION_PROMQL_CACHED_RUN_H_

#include "promql/query_run.h"
#include "promql/result_cache.h"

namespace deucalion::promql {

// As RunQuery, but steps the cache knows are not evaluated, and stable ones are remembered. Queries
// that cannot be cached pass through.
void RunCachedQuery(const EngineOptions& engine, const QueryOptions& options,
                    const ParsedExpr& parsed, const QueryTimes& times, const CancelToken& deadline,
                    Queryable& queryable, SharedMemory* memory, ResultCache* cache,
                    QueryResult* result);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_CACHED_RUN_H_
