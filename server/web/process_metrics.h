// process_* metrics of this process, and the go_* names that dashboards for Prometheus look at,
// filled with their nearest equivalents.
#ifndef DEUCALION_SERVER_WEB_PROCESS_METRICS_H_
#define DEUCALION_SERVER_WEB_PROCESS_METRICS_H_

#include <cstdint>
#include <string>

#include "base/metrics.h"

namespace deucalion::web {

struct ProcessUsage {
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t max_virtual_bytes = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
  uint64_t threads = 0;
  uint64_t received_bytes = 0;  // of the network namespace, as Go's client counts
  uint64_t sent_bytes = 0;
  double start_time_seconds = 0;
};
// From /proc/self; fields stay 0 where it cannot be read.
ProcessUsage ReadProcessUsage();

// Everything is read at exposition time.
void AddProcessMetrics(MetricRegistry* metrics, std::string_view version, std::string_view revision,
                       std::string_view branch);

}  // namespace deucalion::web

#endif  // DEUCALION_SERVER_WEB_PROCESS_METRICS_H_
