#include "server/api/api.h"

#include <algorithm>

#include "base/check.h"
#include "server/api/cost_keys.h"
#include "server/api/openapi.h"
#include "server/api/reply.h"
#include "server/api/route_table.h"

namespace deucalion::api {
namespace {

constexpr std::string_view kBase = "/api/v1";

// What agent mode has no storage for; as in Prometheus.
constexpr std::string_view kNotInAgent[] = {
    "/query",
    "/query_range",
    "/query_exemplars",
    "/format_query",
    "/parse_query",
    "/series",
    "/labels",
    "/label/:name/values",
    "/rules",
    "/alerts",
    "/alertmanagers",
    "/status/tsdb",
    "/status/tsdb/blocks",
    "/admin/tsdb/delete_series",
    "/admin/tsdb/clean_tombstones",
    "/admin/tsdb/snapshot",
};

std::string OpenApiFor(const ApiOptions& options, OpenApiVersion version) {
  std::string url = options.external_url;
  if (url.ends_with('/')) url.pop_back();
  return OpenApiDocument(
      ApiRoutes(), version,
      {.server_url = url + std::string(kBase), .version = options.build.version});
}

}  // namespace

std::span<const Api::Binding> Api::Bindings() {
  using http::PoolClass;
  static constexpr Binding kBindings[] = {
      {"/query", &Api::Query, PoolClass::kQuery, false, &QueryCostKey},
      {"/query_range", &Api::QueryRange, PoolClass::kQuery, false, &RangeCostKey},
      {"/query_exemplars", &Api::QueryExemplars, PoolClass::kQuery},
      {"/format_query", &Api::FormatQuery, PoolClass::kAdmin},
      {"/parse_query", &Api::ParseQuery, PoolClass::kAdmin},
      {"/series", &Api::Series, PoolClass::kQuery, false, &SelectionCostKey},
      {"/labels", &Api::LabelNames, PoolClass::kQuery, false, &SelectionCostKey},
      {"/label/:name/values", &Api::LabelValues, PoolClass::kQuery, false, &SelectionCostKey},
      {"/metadata", &Api::MetricMetadata, PoolClass::kAdmin},
      {"/scrape_pools", &Api::ScrapePools, PoolClass::kAdmin},
      {"/scrape_pools/config", &Api::ScrapePoolConfig, PoolClass::kAdmin},
      {"/targets", &Api::Targets, PoolClass::kAdmin},
      {"/targets/metadata", &Api::TargetMetadata, PoolClass::kAdmin},
      {"/targets/relabel_steps", &Api::RelabelSteps, PoolClass::kAdmin},
      {"/rules", &Api::Rules, PoolClass::kAdmin},
      {"/alerts", &Api::Alerts, PoolClass::kAdmin},
      {"/alertmanagers", &Api::Alertmanagers, PoolClass::kAdmin},
      {"/status/config", &Api::StatusConfig, PoolClass::kAdmin},
      {"/status/runtimeinfo", &Api::StatusRuntime, PoolClass::kAdmin},
      {"/status/buildinfo", &Api::StatusBuild, PoolClass::kAdmin},
      {"/status/flags", &Api::StatusFlags, PoolClass::kAdmin},
      {"/status/tsdb", &Api::StatusTsdb, PoolClass::kQuery},
      {"/status/tsdb/blocks", &Api::StatusBlocks, PoolClass::kAdmin},
      {"/status/walreplay", &Api::StatusReplay, PoolClass::kAdmin, true},
      {"/status/self_metrics", &Api::StatusSelfMetrics, PoolClass::kAdmin},
      {"/features", &Api::Features, PoolClass::kAdmin},
      {"/admin/tsdb/delete_series", &Api::DeleteSeries, PoolClass::kAdmin},
      {"/admin/tsdb/clean_tombstones", &Api::CleanTombstones, PoolClass::kAdmin},
      {"/admin/tsdb/snapshot", &Api::Snapshot, PoolClass::kAdmin},
      {"/read", nullptr, PoolClass::kQuery},
      {"/write", nullptr, PoolClass::kIngest},
      {"/otlp/v1/metrics", nullptr, PoolClass::kIngest},
      {"/notifications", &Api::NotificationList, PoolClass::kAdmin, true},
      {"/notifications/live", &Api::NotificationsLive, PoolClass::kAdmin, true},
      {"/openapi.yaml", &Api::OpenApi, PoolClass::kAdmin},
  };
  return kBindings;
}

Api::Api(ApiOptions options)
    : options_(std::move(options)),
      openapi_31_(OpenApiFor(options_, OpenApiVersion::k31)),
      openapi_32_(OpenApiFor(options_, OpenApiVersion::k32)) {}

bool Api::Ready(http::Response* response) const {
  const bool stopping = options_.stopping();
  if (options_.storage() != nullptr && !stopping) return true;
  response->headers.Set("X-Prometheus-Stopping", stopping ? "true" : "false");
  response->Text(503, "Service Unavailable");
  return false;
}

http::Handler Api::Wrap(const Binding& binding) {
  if (binding.method == nullptr) {
    const auto& handler = binding.path == "/write"  ? options_.remote_write
                          : binding.path == "/read" ? options_.remote_read
                                                    : options_.otlp_write;
    return [this, &handler](http::Request& request, http::Response* response) {
      if (Ready(response)) handler(request, response);
    };
  }
  const bool unavailable =
      options_.agent && std::ranges::find(kNotInAgent, binding.path) != std::end(kNotInAgent);
  return [this, method = binding.method, always = binding.always, unavailable](
             http::Request& request, http::Response* response) {
    if (!always && !Ready(response)) return;
    options_.cors.Apply(request, response);
    if (unavailable) {
      return RespondError(ErrorType::kExecution, "unavailable with Prometheus Agent", response);
    }
    (this->*method)(request, response);
  };
}

void Api::Register(http::Router* router) {
  router->Handle("OPTIONS", std::string(kBase) + "/*path",
                 [this](http::Request& request, http::Response* response) {
                   if (!Ready(response)) return;
                   options_.cors.Apply(request, response);
                   response->status = 204;
                 });
  for (const ApiRoute& route : ApiRoutes()) {
    const auto binding = std::ranges::find(Bindings(), route.path, &Binding::path);
    CHECK(binding != Bindings().end());
    http::RouteOptions options{.pool = binding->pool};
    if (binding->cost_key != nullptr) options.cost_key = binding->cost_key;
    options.long_lived = route.answer == AnswerKind::kEvents;
    options.compress = !options.long_lived && route.answer != AnswerKind::kSnappy;
    std::string_view methods = route.methods;
    while (!methods.empty()) {
      const std::string_view method = methods.substr(0, methods.find(' '));
      methods.remove_prefix(std::min(method.size() + 1, methods.size()));
      router->Handle(method, std::string(kBase).append(route.path), Wrap(*binding), options);
    }
  }
}

void Api::OpenApi(http::Request& request, http::Response* response) {
  const http::Params params = request.Query();
  const std::string_view version = params.Get("openapi_version");
  response->headers.Set("Cache-Control", "no-cache, no-store, must-revalidate");
  response->SetBody(version == "3.2" || version == "3.2.0" ? openapi_32_ : openapi_31_,
                    "application/yaml; charset=utf-8");
}

}  // namespace deucalion::api
