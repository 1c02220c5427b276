#include "server/api/route_table.h"

#include <algorithm>

namespace deucalion::api {
namespace {

using P = ParamType;
constexpr bool kRequired = true;
constexpr bool kOptional = false;
constexpr bool kRepeated = true;
constexpr bool kOnce = false;

constexpr ApiParam kQuery{"query", P::kText, kRequired, kOnce, "PromQL expression."};
constexpr ApiParam kTimeout{"timeout", P::kDuration, kOptional, kOnce,
                            "Evaluation timeout; at most --query.timeout, which is the default."};
constexpr ApiParam kLimitSeries{"limit", P::kInteger, kOptional, kOnce,
                                "Most series to return, 0 for all. A warning says what was cut."};
constexpr ApiParam kLookback{"lookback_delta", P::kDuration, kOptional, kOnce,
                             "How old a sample may be; --query.lookback-delta by default."};
constexpr ApiParam kStats{"stats", P::kText, kOptional, kOnce,
                          "\"true\": statistics beside the result; \"all\": also those of each "
                          "step."};
constexpr ApiParam kStart{"start", P::kTime, kOptional, kOnce, "Start of the time range."};
constexpr ApiParam kEnd{"end", P::kTime, kOptional, kOnce, "End of the time range."};
constexpr ApiParam kMatch{"match[]", P::kText, kOptional, kRepeated,
                          "Series selector; several are joined by or."};
constexpr ApiParam kMatchRequired{"match[]", P::kText, kRequired, kRepeated, kMatch.text};
constexpr ApiParam kLimitValues{"limit", P::kInteger, kOptional, kOnce,
                                "Most elements to return, 0 for all."};
constexpr ApiParam kMetric{"metric", P::kText, kOptional, kOnce, "Name of the one metric wanted."};
constexpr ApiParam kPool{"scrapePool", P::kText, kOptional, kOnce, "Name of the one scrape pool."};
constexpr ApiParam kPoolRequired{"scrapePool", P::kText, kRequired, kOnce,
                                 "Name of a scrape pool."};

constexpr ApiParam kQueryParams[] = {
    kQuery,    {"time", P::kTime, kOptional, kOnce, "Evaluation time, now by default."},
    kTimeout,  kLimitSeries,
    kLookback, kStats};
constexpr ApiParam kRangeParams[] = {
    kQuery,
    {"start", P::kTime, kRequired, kOnce, "First evaluation time."},
    {"end", P::kTime, kRequired, kOnce, "Last evaluation time."},
    {"step", P::kDuration, kRequired, kOnce, "Time between two evaluations; at most 11,000 steps."},
    kTimeout,
    kLimitSeries,
    kLookback,
    kStats};
constexpr ApiParam kExemplarParams[] = {kQuery, kStart, kEnd};
constexpr ApiParam kOnlyQuery[] = {kQuery};
constexpr ApiParam kSeriesParams[] = {kMatchRequired, kStart, kEnd, kLimitSeries};
constexpr ApiParam kLabelParams[] = {kMatch, kStart, kEnd, kLimitValues};
constexpr ApiParam kTargetParams[] = {
    {"state", P::kText, kOptional, kOnce, "\"active\", \"dropped\" or \"any\", the default."},
    kPool};
constexpr ApiParam kTargetMetadataParams[] = {
    {"match_target", P::kText, kOptional, kOnce, "Selector of target labels."},
    kMetric,
    kLimitValues};
constexpr ApiParam kRelabelParams[] = {
    kPoolRequired,
    {"labels", P::kText, kRequired, kOnce, "Discovered labels, a JSON object of strings."}};
constexpr ApiParam kPoolConfigParams[] = {kPoolRequired};
constexpr ApiParam kMetadataParams[] = {
    kMetric,
    kLimitValues,
    {"limit_per_metric", P::kInteger, kOptional, kOnce, "Most entries of one metric."}};
constexpr ApiParam kRuleParams[] = {
    {"type", P::kText, kOptional, kOnce, "\"alert\" or \"record\"; both by default."},
    {"rule_name[]", P::kText, kOptional, kRepeated, "Only rules of these names."},
    {"rule_group[]", P::kText, kOptional, kRepeated, "Only groups of these names."},
    {"file[]", P::kText, kOptional, kRepeated, "Only groups of these files."},
    kMatch,
    {"exclude_alerts", P::kBoolean, kOptional, kOnce, "Leave out the active alerts."},
    {"group_limit", P::kInteger, kOptional, kOnce, "Most groups in one answer."},
    {"group_next_token", P::kText, kOptional, kOnce, "groupNextToken of the answer before."}};
constexpr ApiParam kTsdbParams[] = {
    {"limit", P::kInteger, kOptional, kOnce, "Length of each list, 10 by default, at most 10000."}};
constexpr ApiParam kSelfMetricsParams[] = {
    {"metric_name_pattern", P::kText, kOptional, kOnce, "Only families whose name matches."}};
constexpr ApiParam kOpenApiParams[] = {
    {"openapi_version", P::kText, kOptional, kOnce, "\"3.1\", the default, or \"3.2\"."}};
constexpr ApiParam kSnapshotParams[] = {
    {"skip_head", P::kBoolean, kOptional, kOnce, "Leave out what is not in a block yet."}};
constexpr ApiParam kDeleteParams[] = {kMatchRequired, kStart, kEnd};

constexpr std::string_view kTexts = "{type: array, items: {type: string}}";
constexpr AnswerKind kJson = AnswerKind::kJson;
constexpr AnswerKind kNothing = AnswerKind::kNothing;

constexpr ApiRoute kRoutes[] = {
    {"/query", "GET POST", "query", "Evaluate an expression at one time", kQueryParams, kJson,
     "{$ref: '#/components/schemas/QueryResult'}"},
    {"/query_range", "GET POST", "query", "Evaluate an expression over a range of time",
     kRangeParams, kJson, "{$ref: '#/components/schemas/QueryResult'}"},
    {"/query_exemplars", "GET POST", "query", "Exemplars of the series an expression selects",
     kExemplarParams, kJson, "{$ref: '#/components/schemas/Exemplars'}"},
    {"/format_query", "GET POST", "query", "Format an expression", kOnlyQuery, kJson,
     "{type: string}"},
    {"/parse_query", "GET POST", "query", "Parse an expression into its tree", kOnlyQuery, kJson,
     "{type: object}"},
    {"/series", "GET POST DELETE", "series", "Series that match selectors", kSeriesParams, kJson,
     "{type: array, items: {$ref: '#/components/schemas/Labels'}}"},
    {"/labels", "GET POST", "labels", "Label names", kLabelParams, kJson, kTexts},
    {"/label/:name/values", "GET", "labels", "Values of one label", kLabelParams, kJson, kTexts},
    {"/metadata", "GET", "metadata", "Type, help and unit of metrics", kMetadataParams, kJson,
     "{type: object, additionalProperties: {type: array, items: {$ref: "
     "'#/components/schemas/Metadata'}}}"},
    {"/scrape_pools",
     "GET",
     "targets",
     "Names of the scrape pools",
     {},
     kJson,
     "{type: object, properties: {scrapePools: {type: array, items: {type: string}}}}"},
    {"/scrape_pools/config", "GET", "targets", "Configuration of one scrape pool",
     kPoolConfigParams, kJson, "{type: object, properties: {yaml: {type: string}}}"},
    {"/targets", "GET", "targets", "Targets and how their scrapes go", kTargetParams, kJson,
     "{$ref: '#/components/schemas/Targets'}"},
    {"/targets/metadata", "GET", "targets", "Metadata as each target exposes it",
     kTargetMetadataParams, kJson,
     "{type: array, items: {$ref: '#/components/schemas/TargetMetadata'}}"},
    {"/targets/relabel_steps", "GET", "targets", "What each relabelling rule makes of labels",
     kRelabelParams, kJson, "{$ref: '#/components/schemas/RelabelSteps'}"},
    {"/rules", "GET", "rules", "Rule groups", kRuleParams, kJson,
     "{type: object, properties: {groups: {type: array, items: {type: object}}, groupNextToken: "
     "{type: string}}}"},
    {"/alerts",
     "GET",
     "alerts",
     "Active alerts",
     {},
     kJson,
     "{type: object, properties: {alerts: {type: array, items: {type: object}}}}"},
    {"/alertmanagers",
     "GET",
     "alerts",
     "Alertmanagers in use",
     {},
     kJson,
     "{type: object, properties: {activeAlertmanagers: {type: array, items: {type: object}}, "
     "droppedAlertmanagers: {type: array, items: {type: object}}}}"},
    {"/status/config",
     "GET",
     "status",
     "The configuration in force",
     {},
     kJson,
     "{type: object, properties: {yaml: {type: string}}}"},
    {"/status/runtimeinfo",
     "GET",
     "status",
     "The process and its state",
     {},
     kJson,
     "{type: object}"},
    {"/status/buildinfo",
     "GET",
     "status",
     "Version and build",
     {},
     kJson,
     "{type: object, additionalProperties: {type: string}}"},
    {"/status/flags",
     "GET",
     "status",
     "Command-line flags",
     {},
     kJson,
     "{type: object, additionalProperties: {type: string}}"},
    {"/status/tsdb", "GET", "status", "Size and cardinality of the head", kTsdbParams, kJson,
     "{$ref: '#/components/schemas/TsdbStatus'}"},
    {"/status/tsdb/blocks",
     "GET",
     "status",
     "Blocks on disk",
     {},
     kJson,
     "{type: object, properties: {blocks: {type: array, items: {type: object}}}}"},
    {"/status/walreplay",
     "GET",
     "status",
     "How far start-up has come",
     {},
     kJson,
     "{type: object, properties: {min: {type: integer}, max: {type: integer}, current: {type: "
     "integer}}}"},
    {"/status/self_metrics", "GET", "status", "The server's own metrics as JSON",
     kSelfMetricsParams, kJson, "{type: array, items: {type: object}}"},
    {"/features",
     "GET",
     "features",
     "What this server can do",
     {},
     kJson,
     "{type: object, additionalProperties: {type: object, additionalProperties: {type: boolean}}}"},
    {"/admin/tsdb/delete_series", "POST PUT", "admin", "Delete samples of series", kDeleteParams,
     kNothing, ""},
    {"/admin/tsdb/clean_tombstones",
     "POST PUT",
     "admin",
     "Remove deleted samples from disk",
     {},
     kNothing,
     ""},
    {"/admin/tsdb/snapshot", "POST PUT", "admin", "Copy all data into a snapshot", kSnapshotParams,
     kJson, "{type: object, properties: {name: {type: string}}}"},
    {"/read", "POST", "remote", "Remote read", {}, AnswerKind::kSnappy, ""},
    {"/write", "POST", "remote", "Remote write 1.0 and 2.0", {}, kNothing, ""},
    {"/otlp/v1/metrics", "POST", "otlp", "Metrics of OpenTelemetry", {}, kNothing, ""},
    {"/notifications",
     "GET",
     "notifications",
     "Notifications that are active",
     {},
     kJson,
     "{type: array, items: {$ref: '#/components/schemas/Notification'}}"},
    {"/notifications/live",
     "GET",
     "notifications",
     "Notifications as server-sent events",
     {},
     AnswerKind::kEvents,
     "{$ref: '#/components/schemas/Notification'}"},
    {"/openapi.yaml", "GET", "status", "This document", kOpenApiParams, AnswerKind::kYaml, ""},
};

}  // namespace

std::span<const ApiRoute> ApiRoutes() { return kRoutes; }

const ApiRoute* FindRoute(std::span<const ApiRoute> routes, std::string_view path) {
  const auto it = std::ranges::find(routes, path, &ApiRoute::path);
  return it == routes.end() ? nullptr : &*it;
}

bool HasParam(const ApiRoute& route, std::string_view name) {
  return std::ranges::find(route.params, name, &ApiParam::name) != route.params.end();
}

}  // namespace deucalion::api
