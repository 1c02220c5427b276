// check metrics: lint and cardinality of an exposition read from standard input.
#ifndef DEUCALION_SERVER_TOOL_CHECK_METRICS_H_
#define DEUCALION_SERVER_TOOL_CHECK_METRICS_H_

#include <string>

#include "server/tool/streams.h"

namespace deucalion::tool {

struct CheckMetricsArgs {
  bool extended = false;     // cardinality
  std::string lint = "all";  // or none
};

int CheckMetrics(const CheckMetricsArgs& args, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_CHECK_METRICS_H_
