#include "server/remote/read_query.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace deucalion::remote {

Result<ReadPlan> MakeReadPlan(const ReadQuery& query, LabelsView external_labels) {
  ReadPlan plan;
  std::tie(plan.min_ms, plan.max_ms) = query.Range();
  plan.only_labels = query.OnlyLabels();
  ASSIGN_OR_RETURN(plan.matchers, StorageMatchers(query, external_labels));
  return plan;
}

Result<OpenReadQuery> OpenQuery(Storage* storage, const ReadPlan& plan, bool sorted,
                                const CancelToken* cancel) {
  OpenReadQuery open;
  if (plan.matchers.empty() || plan.min_ms > plan.max_ms) return open;
  ASSIGN_OR_RETURN(open.querier, storage->NewQuerier(plan.min_ms, plan.max_ms));
  // After the view was pinned: what it shows lies within these bounds or has just expired.
  const auto [oldest_ms, newest_ms] = storage->admin()->TimeBounds();
  open.min_ms = std::max(plan.min_ms, oldest_ms);
  open.max_ms = std::min(plan.max_ms, newest_ms);
  SelectHints hints;
  hints.min_ms = plan.min_ms;
  hints.max_ms = plan.max_ms;
  if (plan.only_labels) hints.func = "series";
  ASSIGN_OR_RETURN(open.series, open.querier->Select(sorted, hints, plan.matchers, cancel));
  return open;
}

}  // namespace deucalion::remote
