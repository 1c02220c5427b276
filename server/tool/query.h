// query instant, range, series and labels: questions to the HTTP API, answers as text or JSON.
#ifndef DEUCALION_SERVER_TOOL_QUERY_H_
#define DEUCALION_SERVER_TOOL_QUERY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "server/tool/api_client.h"
#include "server/tool/streams.h"

namespace deucalion::tool {

enum class QueryFormat { kPromql, kJson };

// Times are RFC 3339 or Unix seconds; "" is the default.
struct QueryInstantArgs {
  ServerArgs server;
  QueryFormat format = QueryFormat::kPromql;
  std::string expr;
  std::string time;  // default: now
};
int QueryInstant(const QueryInstantArgs& args, const Streams& io);

struct QueryRangeArgs {
  ServerArgs server;
  QueryFormat format = QueryFormat::kPromql;
  std::string expr;
  std::string start;    // default: five minutes before the end
  std::string end;      // default: now
  int64_t step_ns = 0;  // 0: about 250 steps, whole seconds
};
int QueryRange(const QueryRangeArgs& args, const Streams& io);

struct QuerySeriesArgs {
  ServerArgs server;
  QueryFormat format = QueryFormat::kPromql;
  std::vector<std::string> matchers;
  std::string start;  // default: more than a year ago
  std::string end;    // default: in more than a year
};
int QuerySeries(const QuerySeriesArgs& args, const Streams& io);

struct QueryLabelsArgs {
  ServerArgs server;
  QueryFormat format = QueryFormat::kPromql;
  std::string name;
  std::vector<std::string> matchers;
  std::string start;  // as for series
  std::string end;
};
int QueryLabels(const QueryLabelsArgs& args, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_QUERY_H_
