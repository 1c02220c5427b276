#include "server/feature_list.h"

#include <initializer_list>
#include <string_view>
#include <utility>

#include "promql/ast.h"
#include "promql/functions/signature.h"

namespace deucalion {
namespace {

using Names = std::initializer_list<std::string_view>;

void SetAll(api::FeatureRegistry* registry, std::string_view category, Names names, bool on) {
  for (const std::string_view name : names) registry->Set(category, name, on);
}

void RegisterApi(const config::Flags& flags, api::FeatureRegistry* registry) {
  SetAll(registry, "api",
         {"exclude_alerts", "label_values_match", "query_stats", "query_warnings",
          "time_range_labels", "time_range_series"},
         true);
  registry->Set("api", "admin", flags.web_enable_admin_api);
  registry->Set("api", "lifecycle", flags.web_enable_lifecycle);
  registry->Set("api", "remote_write_receiver", flags.web_enable_remote_write_receiver);
  // Not there yet.
  SetAll(registry, "api",
         {"openapi_3.1", "openapi_3.2", "otlp_write_receiver", "search",
          "search_fuzz_alg_jarowinkler", "search_fuzz_alg_subsequence"},
         false);
  SetAll(registry, "otlp_receiver", {"delta_conversion", "native_delta_ingestion"}, false);
}

void RegisterPromql(const config::FeatureSet& features, api::FeatureRegistry* registry) {
  SetAll(registry, "promql",
         {"at_modifier", "bool", "by", "duration_expr", "group_left", "group_right", "ignoring",
          "negative_offset", "offset", "on", "per_query_lookback_delta", "subqueries", "without"},
         true);
  SetAll(registry, "promql", {"anchored", "smoothed"}, features.promql_extended_range_selectors);
  SetAll(registry, "promql", {"fill", "fill_left", "fill_right"},
         features.promql_binop_fill_modifiers);
  registry->Set("promql", "delayed_name_removal", features.promql_delayed_name_removal);
  registry->Set("promql", "per_step_stats", features.promql_per_step_stats);
  registry->Set("promql", "type_and_unit_labels", features.type_and_unit_labels);
  for (const promql::FunctionSignature& f : promql::Functions()) {
    registry->Set("promql_functions", f.name,
                  !f.experimental || features.promql_experimental_functions);
  }
  for (int op = 0; op <= static_cast<int>(promql::BinaryOp::kTrimLower); op++) {
    registry->Set("promql_operators", promql::BinaryOpText(static_cast<promql::BinaryOp>(op)),
                  true);
  }
  for (int op = 0; op <= static_cast<int>(promql::AggregateOp::kTopk); op++) {
    const auto aggregate = static_cast<promql::AggregateOp>(op);
    registry->Set("promql_operators", promql::AggregateOpText(aggregate),
                  !promql::IsExperimental(aggregate) || features.promql_experimental_functions);
  }
  SetAll(registry, "promql_operators", {"=~", "!~", "@"}, true);
}

void RegisterDiscovery(api::FeatureRegistry* registry) {
  SetAll(registry, "service_discovery_providers", {"static", "file"}, true);
  SetAll(
      registry, "service_discovery_providers",
      {"aws",   "azure",      "consul",      "digitalocean", "dns",      "docker",   "dockerswarm",
       "ec2",   "ecs",        "elasticache", "eureka",       "gce",      "hetzner",  "http",
       "ionos", "kubernetes", "kuma",        "lightsail",    "linode",   "marathon", "msk",
       "nerve", "nomad",      "oci",         "openstack",    "outscale", "ovhcloud", "puppetdb",
       "rds",   "scaleway",   "serverset",   "stackit",      "triton",   "uyuni",    "vultr"},
      false);
}

}  // namespace

void RegisterFeatures(const config::Flags& flags, const config::FeatureSet& features,
                      api::FeatureRegistry* registry) {
  RegisterApi(flags, registry);
  RegisterPromql(features, registry);
  RegisterDiscovery(registry);
  registry->Set("prometheus", "agent_mode", flags.agent);
  registry->Set("prometheus", "auto_reload_config", flags.config_auto_reload);
  registry->Set("prometheus", "server_mode", !flags.agent);
  registry->Set("prometheus", "stringlabels", true);
  SetAll(registry, "rules", {"concurrent_rule_eval", "keep_firing_for", "query_offset"}, false);
  registry->Set("scrape", "extra_scrape_metrics", true);
  registry->Set("scrape", "start_timestamp_zero_ingestion",
                features.created_timestamp_zero_ingestion);
  registry->Set("scrape", "type_and_unit_labels", features.type_and_unit_labels);
  SetAll(registry, "tsdb", {"isolation", "native_histograms"}, true);
  registry->Set("tsdb", "exemplar_storage", features.exemplar_storage);
  SetAll(registry, "tsdb",
         {"delayed_compaction", "histograms_st_encoding", "st_storage", "use_uncached_io",
          "xor2_encoding"},
         false);
  SetAll(registry, "ui", {"ui_v2", "ui_v3"}, false);
}

}  // namespace deucalion
