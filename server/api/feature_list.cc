#include "server/api/feature_list.h"

#include <algorithm>
#include <initializer_list>

#include "promql/ast.h"
#include "promql/parser/token.h"
#include "scrape/discovery/kinds.h"

namespace deucalion::api {
namespace {

using Names = std::initializer_list<std::string_view>;

void SetAll(FeatureRegistry* registry, std::string_view category, Names names, bool on) {
  for (const std::string_view name : names) registry->Set(category, name, on);
}

void RegisterApi(std::span<const ApiRoute> routes, const FeatureSwitches& switches,
                 FeatureRegistry* registry) {
  const auto takes = [routes](std::string_view path, std::string_view param) {
    const ApiRoute* route = FindRoute(routes, path);
    return route != nullptr && HasParam(*route, param);
  };
  const auto serves = [routes](std::string_view path) {
    return FindRoute(routes, path) != nullptr;
  };
  const auto set = [registry](std::string_view name, bool on) { registry->Set("api", name, on); };
  set("exclude_alerts", takes("/rules", "exclude_alerts"));
  set("label_values_match", takes("/label/:name/values", "match[]"));
  set("query_stats", takes("/query", "stats"));
  set("query_warnings", serves("/query"));
  set("time_range_labels", takes("/labels", "start"));
  set("time_range_series", takes("/series", "start"));
  set("openapi_3.1", serves("/openapi.yaml"));
  set("openapi_3.2", takes("/openapi.yaml", "openapi_version"));
  set("admin", switches.admin && serves("/admin/tsdb/snapshot"));
  set("lifecycle", switches.lifecycle);
  set("remote_write_receiver", switches.remote_write_receiver && serves("/write"));
  set("otlp_write_receiver", switches.otlp_receiver && serves("/otlp/v1/metrics"));
  set("search", serves("/search/metric_names"));
  set("search_fuzz_alg_jarowinkler", takes("/search/metric_names", "fuzz_alg"));
  set("search_fuzz_alg_subsequence", takes("/search/metric_names", "fuzz_alg"));
  registry->Set("promql", "per_query_lookback_delta", takes("/query", "lookback_delta"));
}

void RegisterPromql(const FeatureSources& sources, const FeatureSwitches& switches,
                    FeatureRegistry* registry) {
  for (const std::string_view word : sources.keywords) {
    const bool selector = word == "anchored" || word == "smoothed";
    const bool fill = word.starts_with("fill");
    registry->Set("promql", word,
                  selector ? switches.extended_range_selectors
                  : fill   ? switches.fill_modifiers
                           : true);
  }
  SetAll(registry, "promql", {"at_modifier", "duration_expr", "negative_offset", "subqueries"},
         true);
  registry->Set("promql", "delayed_name_removal", switches.delayed_name_removal);
  registry->Set("promql", "per_step_stats", switches.per_step_stats);
  registry->Set("promql", "type_and_unit_labels", switches.type_and_unit_labels);
  for (const promql::FunctionSignature& f : sources.functions) {
    registry->Set("promql_functions", f.name, !f.experimental || switches.experimental_functions);
  }
  for (int op = 0; op <= static_cast<int>(promql::BinaryOp::kTrimLower); op++) {
    registry->Set("promql_operators", promql::BinaryOpText(static_cast<promql::BinaryOp>(op)),
                  true);
  }
  for (int op = 0; op <= static_cast<int>(promql::AggregateOp::kTopk); op++) {
    const auto aggregate = static_cast<promql::AggregateOp>(op);
    registry->Set("promql_operators", promql::AggregateOpText(aggregate),
                  !promql::IsExperimental(aggregate) || switches.experimental_functions);
  }
  SetAll(registry, "promql_operators", {"=~", "!~", "@"}, true);
}

}  // namespace

FeatureSources FeatureSources::BuiltIn() {
  return {.functions = promql::Functions(),
          .keywords = promql::Keywords(),
          .routes = ApiRoutes(),
          .discovery = scrape::DiscoveryKindsWithMachinery()};
}

void RegisterFeatures(const FeatureSources& sources, const FeatureSwitches& switches,
                      FeatureRegistry* registry) {
  RegisterApi(sources.routes, switches, registry);
  RegisterPromql(sources, switches, registry);
  for (const std::string_view kind : scrape::KnownDiscoveryKinds()) {
    registry->Set("service_discovery_providers", kind,
                  std::ranges::find(sources.discovery, kind) != sources.discovery.end());
  }
  registry->Set("prometheus", "agent_mode", switches.agent);
  registry->Set("prometheus", "auto_reload_config", switches.auto_reload_config);
  registry->Set("prometheus", "server_mode", !switches.agent);
  registry->Set("prometheus", "stringlabels", true);
  registry->Set("scrape", "extra_scrape_metrics", true);
  registry->Set("scrape", "start_timestamp_zero_ingestion", switches.start_zero_ingestion);
  registry->Set("scrape", "type_and_unit_labels", switches.type_and_unit_labels);
  SetAll(registry, "tsdb", {"isolation", "native_histograms"}, true);
  registry->Set("tsdb", "exemplar_storage", switches.exemplar_storage);

  // Not there yet: rules with their templates, OTLP, a user interface, and parts of storage.
  SetAll(registry, "rules", {"concurrent_rule_eval", "keep_firing_for", "query_offset"}, false);
  SetAll(registry, "templating_functions",
         {"args",
          "externalURL",
          "first",
          "graphLink",
          "humanize",
          "humanize1024",
          "humanizeDuration",
          "humanizePercentage",
          "humanizeTimestamp",
          "label",
          "match",
          "now",
          "parseDuration",
          "pathPrefix",
          "query",
          "reReplaceAll",
          "safeHtml",
          "sortByLabel",
          "stripDomain",
          "stripPort",
          "strvalue",
          "tableLink",
          "title",
          "toDuration",
          "toLower",
          "toTime",
          "toUpper",
          "urlQueryEscape",
          "value"},
         false);
  registry->Set("otlp_receiver", "delta_conversion", false);
  registry->Set("otlp_receiver", "native_delta_ingestion", switches.otlp_native_delta);
  SetAll(registry, "tsdb",
         {"delayed_compaction", "histograms_st_encoding", "st_storage", "use_uncached_io",
          "xor2_encoding"},
         false);
  SetAll(registry, "ui", {"ui_v2", "ui_v3"}, false);
}

}  // namespace deucalion::api
