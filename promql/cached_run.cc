#include "promql/cached_run.h"

#include <algorithm>
#include <string>
#include <utility>

#include "promql/plan/plan.h"
#include "promql/printer.h"

namespace deucalion::promql {
namespace {

// How far back before a step its value looks; -1 when the query has no plan (the run will say why).
int64_t ReachMs(const EngineOptions& engine, const QueryOptions& options, const ParsedExpr& parsed,
                const QueryTimes& times, int64_t lookback_ms) {
  PlanOptions plan_options;
  plan_options.start_ms = times.start_ms;
  plan_options.end_ms = times.end_ms;
  plan_options.step_ms = times.step_ms;
  plan_options.lookback_ms = lookback_ms;
  plan_options.default_subquery_step = engine.default_subquery_step;
  const Result<Plan> plan = MakePlan(*parsed.root, plan_options);
  if (!plan.ok()) return -1;
  const bool reads = plan->min_ms != 0 || plan->max_ms != 0;
  return reads ? std::max<int64_t>(0, times.start_ms - plan->min_ms) : 0;
}

// Annotations carry positions, so the text itself is the key, not the tree.
std::string KeyOf(const Queryable& queryable, const ParsedExpr& parsed, const QueryTimes& times,
                  int64_t lookback_ms) {
  const int64_t phase = ((times.start_ms % times.step_ms) + times.step_ms) % times.step_ms;
  return std::to_string(reinterpret_cast<uintptr_t>(&queryable)) + "/" +
         std::to_string(times.step_ms) + "/" + std::to_string(phase) + "/" +
         std::to_string(lookback_ms) + "/" + *parsed.text;
}

// The last step that is not after `ms`; before start_ms when there is none.
int64_t LastStepAt(const QueryTimes& times, int64_t ms) {
  if (ms < times.start_ms) return times.start_ms - times.step_ms;
  return times.start_ms +
         (std::min(ms, times.end_ms) - times.start_ms) / times.step_ms * times.step_ms;
}

}  // namespace

void RunCachedQuery(const EngineOptions& engine, const QueryOptions& options,
                    const ParsedExpr& parsed, const QueryTimes& times, const CancelToken& deadline,
                    Queryable& queryable, SharedMemory* memory, ResultCache* cache,
                    QueryResult* result) {
  const int64_t lookback =
      options.lookback_delta_ms > 0 ? options.lookback_delta_ms : engine.lookback_delta_ms;
  int64_t horizon = queryable.StableHorizonMs();
  const int64_t reach = times.step_ms > 0 && times.start_ms <= horizon && IsCacheable(*parsed.root)
                            ? ReachMs(engine, options, parsed, times, lookback)
                            : -1;
  if (reach < 0) {
    RunQuery(engine, options, parsed, times, deadline, queryable, memory, result);
    return;
  }
  const std::string key = KeyOf(queryable, parsed, times, lookback);
  ResultCache::Entry fresh;
  fresh.start_ms = times.start_ms;
  fresh.end_ms = LastStepAt(times, horizon);
  fresh.data_min_ms = times.start_ms - reach;
  // Before anything is read: what changes meanwhile must not look as if it had been seen.
  fresh.generation = queryable.Generation(fresh.data_min_ms, fresh.end_ms);
  // A horizon that falls back (a longer out-of-order window) changes the generation: seen before or
  // after.
  horizon = std::min(horizon, queryable.StableHorizonMs());
  fresh.end_ms = std::min(fresh.end_ms, LastStepAt(times, horizon));

  const auto hit = cache->Find(key, times.start_ms, queryable);
  const int64_t known_end =
      hit == nullptr ? times.start_ms - times.step_ms : LastStepAt(times, hit->end_ms);
  QueryTimes rest = times;
  rest.start_ms = known_end + times.step_ms;
  if (rest.start_ms <= times.end_ms) {
    RunQuery(engine, options, parsed, rest, deadline, queryable, memory, result);
    if (!result->status.ok()) return;
  } else {
    result->value = Matrix();
  }
  if (hit != nullptr) {
    result->value = AppendMatrix(SliceMatrix(hit->matrix, times.start_ms, known_end),
                                 std::get<Matrix>(std::move(result->value)));
    Annotations all = hit->annotations;
    all.Merge(result->annotations);
    result->annotations = std::move(all);
    result->stats.cached_steps =
        static_cast<uint64_t>((known_end - times.start_ms) / times.step_ms + 1);
  }
  if (hit != nullptr && hit->end_ms >= fresh.end_ms) return;
  fresh.matrix = SliceMatrix(std::get<Matrix>(result->value), fresh.start_ms, fresh.end_ms);
  fresh.annotations = result->annotations;
  cache->Store(key, std::move(fresh));
}

}  // namespace deucalion::promql
