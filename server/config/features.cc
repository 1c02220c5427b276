#include "server/config/features.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace deucalion::config {
namespace {

struct Feature {
  std::string_view name;
  bool FeatureSet::*member;  // null: accepted, without effect
  LogLevel level;
  std::string_view message;
};

constexpr LogLevel kInfo = LogLevel::kInfo;
constexpr LogLevel kWarn = LogLevel::kWarn;

constexpr auto kFeatures = std::to_array<Feature>({
    {"auto-reload-config", &FeatureSet::auto_reload_config, kWarn,
     "This option for --enable-feature is now a flag. Use --config.auto-reload instead."},
    {"concurrent-rule-eval", &FeatureSet::concurrent_rule_eval, kInfo,
     "Experimental concurrent rule evaluation enabled."},
    {"created-timestamp-zero-ingestion", &FeatureSet::created_timestamp_zero_ingestion, kInfo,
     "Experimental created timestamp zero ingestion enabled. Changed default scrape_protocols to "
     "prefer PrometheusProto format."},
    {"delayed-compaction", &FeatureSet::delayed_compaction, kInfo,
     "Experimental delayed compaction is enabled."},
    {"exemplar-storage", &FeatureSet::exemplar_storage, kInfo,
     "Experimental in-memory exemplar storage enabled"},
    {"extra-scrape-metrics", &FeatureSet::extra_scrape_metrics, kWarn,
     "This option for --enable-feature is being phased out. It currently changes the default for "
     "the extra_scrape_metrics config setting to true, but will become a no-op in a future "
     "version. "
     "Stop using this option and set extra_scrape_metrics in the config instead."},
    {"fast-startup", &FeatureSet::fast_startup, kInfo, "Experimental fast startup is enabled."},
    {"histograms-st-encoding", &FeatureSet::histograms_st_encoding, kInfo,
     "Experimental histogram encoding with start timestamps enabled."},
    {"memory-snapshot-on-shutdown", &FeatureSet::memory_snapshot_on_shutdown, kInfo,
     "Experimental memory snapshot on shutdown enabled"},
    {"metadata-wal-records", &FeatureSet::metadata_wal_records, kInfo,
     "Experimental metadata records in WAL enabled"},
    {"native-histograms", nullptr, kWarn,
     "This option for --enable-feature is a no-op. To scrape native histograms, set the "
     "scrape_native_histograms scrape config setting to true."},
    {"old-ui", &FeatureSet::old_ui, kInfo, "Serving previous version of the Prometheus web UI."},
    {"ooo-native-histograms", nullptr, kWarn,
     "This option for --enable-feature is now permanently enabled and therefore a no-op."},
    {"otlp-deltatocumulative", &FeatureSet::otlp_deltatocumulative, kInfo,
     "Converting delta OTLP metrics to cumulative"},
    {"otlp-native-delta-ingestion", &FeatureSet::otlp_native_delta_ingestion, kInfo,
     "Enabling native ingestion of delta OTLP metrics, storing the raw sample values without "
     "conversion. WARNING: Delta support is in an early stage of development. The ingestion and "
     "querying process is likely to change over time."},
    {"promql-binop-fill-modifiers", &FeatureSet::promql_binop_fill_modifiers, kInfo,
     "Experimental PromQL binary operator fill modifiers enabled."},
    {"promql-delayed-name-removal", &FeatureSet::promql_delayed_name_removal, kInfo,
     "Experimental PromQL delayed name removal enabled."},
    {"promql-duration-expr", nullptr, kWarn,
     "This option for --enable-feature is now permanently enabled and therefore a no-op."},
    {"promql-experimental-functions", &FeatureSet::promql_experimental_functions, kInfo,
     "Experimental PromQL functions enabled."},
    {"promql-extended-range-selectors", &FeatureSet::promql_extended_range_selectors, kInfo,
     "Experimental PromQL extended range selectors enabled."},
    {"promql-per-step-stats", &FeatureSet::promql_per_step_stats, kInfo,
     "Experimental per-step statistics reporting"},
    {"search-api", &FeatureSet::search_api, kInfo, "Experimental search API enabled."},
    {"st-storage", &FeatureSet::st_storage, kInfo, "Experimental start timestamp storage enabled."},
    {"st-synthesis", &FeatureSet::st_synthesis, kInfo,
     "Experimental start timestamp synthesis enabled."},
    {"type-and-unit-labels", &FeatureSet::type_and_unit_labels, kInfo,
     "Experimental type and unit labels enabled"},
    {"use-start-timestamps", &FeatureSet::use_start_timestamps, kInfo,
     "Experimental use of start timestamps in PromQL enabled."},
    {"use-uncached-io", &FeatureSet::use_uncached_io, kInfo,
     "Experimental Uncached IO is enabled."},
    {"xor2-encoding", &FeatureSet::xor2_encoding, kWarn,
     "This option for --enable-feature is deprecated. Set storage.tsdb.chunk_encoding.floats to "
     "xor2 in the config instead."},
});

void Enable(std::string_view name, FeatureSet* features, std::vector<FeatureNote>* notes) {
  const auto it = std::ranges::find(kFeatures, name, &Feature::name);
  if (it == kFeatures.end()) {
    notes->push_back({kWarn, "Unknown option for --enable-feature", std::string(name)});
    return;
  }
  if (it->member != nullptr) features->*it->member = true;
  notes->push_back({it->level, std::string(it->message), std::string(name)});
}

}  // namespace

Status ParseFeatures(std::span<const std::string> lists, FeatureSet* features,
                     std::vector<FeatureNote>* notes) {
  for (const std::string& list : lists) {
    std::string_view rest = list;
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      if (comma > 0) Enable(rest.substr(0, comma), features, notes);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  if (features->otlp_deltatocumulative && features->otlp_native_delta_ingestion) {
    return InvalidArgumentError(
        "cannot enable otlp-deltatocumulative and otlp-native-delta-ingestion features at the same "
        "time");
  }
  return OkStatus();
}

}  // namespace deucalion::config
