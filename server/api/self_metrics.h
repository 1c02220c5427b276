// The server's own metrics as a JSON list of families, as /status/self_metrics answers.
#ifndef DEUCALION_SERVER_API_SELF_METRICS_H_
#define DEUCALION_SERVER_API_SELF_METRICS_H_

#include <string>

#include "base/metrics.h"
#include "base/status.h"

namespace deucalion::api {

// Only families whose name matches the (anchored) `pattern`; empty = all. In the JSON form of the
// protobuf MetricFamily.
Result<std::string> SelfMetricsJson(const MetricRegistry& metrics, const std::string& pattern);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_SELF_METRICS_H_
