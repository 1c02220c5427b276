// One query of a remote read, opened against storage.
#ifndef DEUCALION_SERVER_REMOTE_READ_QUERY_H_
#define DEUCALION_SERVER_REMOTE_READ_QUERY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "model/matcher.h"
#include "server/remote/read_request.h"
#include "tsdb/storage.h"

namespace deucalion::remote {

// What a query comes down to, without the bytes it came in.
struct ReadPlan {
  int64_t min_ms = 0, max_ms = 0;  // inclusive
  bool only_labels = false;
  std::vector<Matcher> matchers;  // none: no series, as Prometheus answers
  SelectHints hints;              // for the other servers that are asked, too
};

// kInvalidArgument for matchers that cannot be.
Result<ReadPlan> MakeReadPlan(const ReadQuery& query, LabelsView external_labels);

// What queries read from.
struct ReadSource {
  Storage* storage = nullptr;
  // What selections are made from: the storage and other servers. Null: the storage alone.
  std::function<Result<std::unique_ptr<Querier>>(int64_t min_ms, int64_t max_ms)> new_querier;
};

// A selection and the view it reads from. The source and `cancel` must outlive it.
struct OpenReadQuery {
  std::unique_ptr<Querier> querier;
  std::unique_ptr<SeriesSet> series;  // null: no series; behind its querier, so that it goes first
  int64_t min_ms = 0, max_ms = 0;     // the plan's
  int64_t stored_min_ms = 0, stored_max_ms = 0;  // what the storage has, within the plan's

  size_t size() const { return series == nullptr ? 0 : series->size(); }
  // What other servers could not answer.
  std::vector<std::string> Warnings() const {
    return querier == nullptr ? std::vector<std::string>() : querier->Warnings();
  }
};
Result<OpenReadQuery> OpenQuery(const ReadSource& source, const ReadPlan& plan, bool sorted,
                                const CancelToken* cancel);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_READ_QUERY_H_
