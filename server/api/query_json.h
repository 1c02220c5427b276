// The result of a query as JSON, streamed: what has been written is let go.
#ifndef DEUCALION_SERVER_API_QUERY_JSON_H_
#define DEUCALION_SERVER_API_QUERY_JSON_H_

#include <memory>
#include <string>

#include "promql/engine.h"
#include "server/api/reply.h"
#include "server/http/message.h"

namespace deucalion::api {

enum class StatsMode { kNone, kBasic, kAll };

// The "stats" object.
void AppendQueryStats(std::string* out, const promql::QueryStats& stats, StatsMode mode);

// Answers with the result: held in memory when it is small, else piece by piece.
void RespondQuery(promql::QueryResult result, Notes notes, StatsMode stats,
                  http::Response* response);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_QUERY_JSON_H_
