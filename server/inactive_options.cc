#include "server/inactive_options.h"

#include <algorithm>
#include <array>

namespace deucalion {
namespace {

// Remove a line when its machinery arrives.
constexpr auto kFlags = std::to_array<std::string_view>({
    "web.user-assets",
    "web.console.templates",
    "web.console.libraries",
    "web.search.max-limit",
    // An agent keeps its data as a server does, only shorter: for retention.max-time.
    "storage.agent.wal-segment-size",
    "storage.agent.wal-compression",
    "storage.agent.wal-compression-type",
    "storage.agent.wal-truncate-frequency",
    "storage.agent.retention.min-time",
    "storage.agent.checkpoint-from-in-memory-series",
    "storage.agent.checkpoint-batch-size",
    // Those that shape Prometheus's data directory; ours has a format of its own.
    "storage.tsdb.max-block-chunk-segment-size",
    "storage.tsdb.wal-segment-size",
    "storage.tsdb.wal-compression",
    "storage.tsdb.wal-compression-type",
    "storage.tsdb.head-chunks-write-queue-size",
    "storage.tsdb.samples-per-chunk",
    "storage.tsdb.allow-overlapping-compaction",
    "storage.tsdb.delayed-compaction.max-percent",
    "storage.tsdb.delay-compact-file.path",
    "storage.tsdb.block-reload-interval",
    "rules.alert.for-outage-tolerance",
    "rules.alert.for-grace-period",
    "rules.alert.resend-delay",
    "rules.max-concurrent-evals",
    "alertmanager.notification-queue-capacity",
    "alertmanager.notification-batch-size",
    "alertmanager.drain-notification-queue-on-shutdown",
});

constexpr auto kFeatures = std::to_array<std::string_view>({
    "concurrent-rule-eval",
    "delayed-compaction",
    "fast-startup",
    "histograms-st-encoding",
    "memory-snapshot-on-shutdown",
    "old-ui",
    "otlp-deltatocumulative",
    "search-api",
    "st-synthesis",
    "use-uncached-io",
    "xor2-encoding",
});

}  // namespace

std::vector<std::string> InactiveFlags(const config::Flags& flags) {
  const config::Flags defaults;
  std::vector<std::string> names;
  for (const config::FlagSpec& spec : config::FlagTable()) {
    if (std::ranges::find(kFlags, spec.name) == kFlags.end()) continue;
    if (config::FlagText(spec, flags) == config::FlagText(spec, defaults)) continue;
    names.push_back("--" + std::string(spec.name));
  }
  return names;
}

bool IsInactiveFeature(std::string_view name) {
  return std::ranges::find(kFeatures, name) != kFeatures.end();
}

}  // namespace deucalion
