#include "server/remote/read_query.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace deucalion::remote {

Result<ReadPlan> MakeReadPlan(const ReadQuery& query, LabelsView external_labels) {
  ReadPlan plan;
  std::tie(plan.min_ms, plan.max_ms) = query.Range();
  plan.only_labels = query.OnlyLabels();
  plan.hints.min_ms = plan.min_ms;
  plan.hints.max_ms = plan.max_ms;
  plan.hints.step_ms = query.hints.step_ms;
  plan.hints.range_ms = query.hints.range_ms;
  plan.hints.func = query.hints.func;
  plan.hints.grouping.assign(query.hints.grouping.begin(), query.hints.grouping.end());
  plan.hints.by = query.hints.by;
  ASSIGN_OR_RETURN(plan.matchers, StorageMatchers(query, external_labels));
  return plan;
}

Result<OpenReadQuery> OpenQuery(const ReadSource& source, const ReadPlan& plan, bool sorted,
                                const CancelToken* cancel) {
  OpenReadQuery open;
  if (plan.matchers.empty() || plan.min_ms > plan.max_ms) return open;
  open.min_ms = plan.min_ms;
  open.max_ms = plan.max_ms;
  auto querier = source.new_querier ? source.new_querier(plan.min_ms, plan.max_ms)
                                    : source.storage->NewQuerier(plan.min_ms, plan.max_ms);
  if (!querier.ok()) return querier.TakeStatus();
  open.querier = std::move(*querier);
  // After the view was pinned: what it shows lies within these bounds or has just expired.
  const auto [oldest_ms, newest_ms] = source.storage->admin()->TimeBounds();
  open.stored_min_ms = std::max(plan.min_ms, oldest_ms);
  open.stored_max_ms = std::min(plan.max_ms, newest_ms);
  ASSIGN_OR_RETURN(open.series, open.querier->Select(sorted, plan.hints, plan.matchers, cancel));
  return open;
}

}  // namespace deucalion::remote
