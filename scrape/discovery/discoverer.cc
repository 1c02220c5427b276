#include "scrape/discovery/discoverer.h"

#include <algorithm>
#include <variant>

#include "scrape/discovery/kinds.h"

namespace deucalion::scrape {
namespace {

// The groups never change.
class StaticDiscoverer final : public Discoverer {
 public:
  explicit StaticDiscoverer(std::vector<TargetGroup> groups) : groups_(std::move(groups)) {
    for (size_t i = 0; i < groups_.size(); ++i) groups_[i].source = std::to_string(i);
  }
  void Start(UpdateSink sink) override { sink(groups_); }

 private:
  std::vector<TargetGroup> groups_;
};

}  // namespace

DiscoveryMetrics::DiscoveryMetrics(MetricRegistry* r)
    : discovered_targets(r->AddGaugeFamily("prometheus_sd_discovered_targets",
                                           "Targets discovered.", {"name", "config"})),
      failed_configs(r->AddGaugeFamily("prometheus_sd_failed_configs",
                                       "Discovery configurations that could not be started.",
                                       {"name"})),
      received_updates(r->AddCounterFamily("prometheus_sd_received_updates_total",
                                           "Updates received from discovery providers.", {"name"})),
      delayed_updates(r->AddCounterFamily("prometheus_sd_updates_delayed_total",
                                          "Updates that had to wait for the receiver.", {"name"})),
      sent_updates(r->AddCounterFamily("prometheus_sd_updates_total",
                                       "Updates handed to the receiver.", {"name"})),
      refresh_failures(r->AddCounterFamily("prometheus_sd_refresh_failures_total",
                                           "Refreshes that failed.", {"mechanism", "config"})),
      refresh_duration(r->AddSummaryFamily("prometheus_sd_refresh_duration_seconds",
                                           "Time a refresh took.", {"mechanism", "config"})),
      file_read_errors(r->AddCounter("prometheus_sd_file_read_errors_total",
                                     "Discovery files that could not be read.")),
      file_watcher_errors(r->AddCounter("prometheus_sd_file_watcher_errors_total",
                                        "Errors of watching discovery files.")),
      file_scan_duration(r->AddSummary("prometheus_sd_file_scan_duration_seconds",
                                       "Time to read the discovery files.")),
      file_mtime(r->AddGaugeFamily("prometheus_sd_file_mtime_seconds",
                                   "When the discovery file was last modified, as of its reading.",
                                   {"filename"})),
      http_failures(r->AddCounter("prometheus_sd_http_failures_total",
                                  "HTTP discovery refreshes that failed.")),
      dns_lookups(r->AddCounter("prometheus_sd_dns_lookups_total", "DNS discovery look-ups.")),
      dns_lookup_failures(r->AddCounter("prometheus_sd_dns_lookup_failures_total",
                                        "DNS discovery look-ups that failed.")) {}

Result<std::unique_ptr<Discoverer>> NewDiscoverer(const DiscoveryConfig& config,
                                                  const std::string& set_name,
                                                  const DiscoveryServices& services) {
  if (const auto* c = std::get_if<StaticConfig>(&config)) {
    return std::unique_ptr<Discoverer>(std::make_unique<StaticDiscoverer>(c->groups));
  }
  if (const auto* c = std::get_if<FileSdConfig>(&config)) return NewFileDiscoverer(*c, services);
  if (const auto* c = std::get_if<HttpSdConfig>(&config)) {
    return NewHttpDiscoverer(*c, set_name, services);
  }
  if (const auto* c = std::get_if<DnsSdConfig>(&config)) {
    return NewDnsDiscoverer(*c, set_name, services);
  }
  return UnimplementedError(DiscoveryName(config) + " service discovery is not supported yet");
}

std::vector<std::string_view> DiscoveryKindsWithMachinery() {
  // Each alternative of the variant but the last has its own branch above.
  std::vector<std::string_view> kinds;
  for (const DiscoveryConfig& config :
       {DiscoveryConfig(StaticConfig()), DiscoveryConfig(FileSdConfig()),
        DiscoveryConfig(HttpSdConfig()), DiscoveryConfig(DnsSdConfig())}) {
    const std::string name = DiscoveryName(config);
    const auto known = KnownDiscoveryKinds();
    if (const auto it = std::ranges::find(known, name); it != known.end()) kinds.push_back(*it);
  }
  static_assert(std::variant_size_v<DiscoveryConfig> == 5, "a new kind: add it here");
  return kinds;
}

}  // namespace deucalion::scrape
