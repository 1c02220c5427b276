// Discoverer: one source of targets that is running. Made by NewDiscoverer for a configuration; the
// discovery manager shares it among the jobs that have the same one.
#ifndef DEUCALION_SCRAPE_DISCOVERY_DISCOVERER_H_
#define DEUCALION_SCRAPE_DISCOVERY_DISCOVERER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "scrape/discovery/config.h"
#include "scrape/fetch/http_client.h"
#include "scrape/loop/scheduler.h"

namespace deucalion::scrape {

// prometheus_sd_*. One set per process, shared by the managers of scraping and notifications.
struct DiscoveryMetrics {
  explicit DiscoveryMetrics(MetricRegistry* registry);

  MetricFamily<Gauge>* discovered_targets;  // {name, config}
  MetricFamily<Gauge>* failed_configs;      // {name}
  MetricFamily<Counter>* received_updates;  // {name}
  MetricFamily<Counter>* delayed_updates;   // {name}
  MetricFamily<Counter>* sent_updates;      // {name}
  MetricFamily<Counter>* refresh_failures;  // {mechanism, config}
  MetricFamily<Summary>* refresh_duration;  // {mechanism, config}
  Counter* file_read_errors;
  Counter* file_watcher_errors;
  Summary* file_scan_duration;
  MetricFamily<Gauge>* file_mtime;  // {filename}
  Counter* http_failures;
  Counter* dns_lookups;
  Counter* dns_lookup_failures;
};

struct DiscoveryServices {
  HttpEngine* http = nullptr;
  Scheduler* scheduler = nullptr;
  const Clock* clock = nullptr;
  Logger* log = nullptr;
  DiscoveryMetrics* metrics = nullptr;
  DialMetrics* dials = nullptr;  // may be null
  std::string user_agent = "Prometheus/3.14.0";
};

// A group replaces the one with the same source; one without targets removes it.
using UpdateSink = std::function<void(std::vector<TargetGroup>)>;

class Discoverer {
 public:
  // No update is under way or comes after it has returned.
  virtual ~Discoverer() = default;
  // Once. Updates come on any thread, one at a time, perhaps from within this call.
  virtual void Start(UpdateSink sink) = 0;
};

// `set_name`: the job it is first made for, for logs and metrics. kUnimplemented for kinds whose
// machinery is not there.
Result<std::unique_ptr<Discoverer>> NewDiscoverer(const DiscoveryConfig& config,
                                                  const std::string& set_name,
                                                  const DiscoveryServices& services);

std::unique_ptr<Discoverer> NewFileDiscoverer(const FileSdConfig& config,
                                              const DiscoveryServices& services);
Result<std::unique_ptr<Discoverer>> NewHttpDiscoverer(const HttpSdConfig& config,
                                                      const std::string& set_name,
                                                      const DiscoveryServices& services);
std::unique_ptr<Discoverer> NewDnsDiscoverer(const DnsSdConfig& config, const std::string& set_name,
                                             const DiscoveryServices& services);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_DISCOVERY_DISCOVERER_H_
