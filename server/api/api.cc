#include "server/api/api.h"

#include "server/api/reply.h"

namespace deucalion::api {

http::Handler Api::Ready(Method method) {
  return [this, method](http::Request& request, http::Response* response) {
    options_.cors.Apply(request, response);
    if (options_.storage() == nullptr || options_.stopping()) {
      response->headers.Set("X-Prometheus-Stopping", options_.stopping() ? "true" : "false");
      response->Error(503, "Service Unavailable");
      return;
    }
    (this->*method)(request, response);
  };
}

http::Handler Api::Always(Method method) {
  return [this, method](http::Request& request, http::Response* response) {
    options_.cors.Apply(request, response);
    (this->*method)(request, response);
  };
}

void Api::Register(http::Router* router) {
  const std::string base = "/api/v1";
  const http::RouteOptions query{.pool = http::PoolClass::kQuery};
  const http::RouteOptions admin{.pool = http::PoolClass::kAdmin};
  const auto get = [&](std::string_view path, Method method, const http::RouteOptions& options) {
    router->Get(base + std::string(path), Ready(method), options);
  };
  const auto both = [&](std::string_view path, Method method, const http::RouteOptions& options) {
    get(path, method, options);
    router->Post(base + std::string(path), Ready(method), options);
  };
  router->Handle("OPTIONS", base + "/*path",
                 [this](http::Request& request, http::Response* response) {
                   options_.cors.Apply(request, response);
                   response->status = 204;
                 });

  both("/query", &Api::Query, query);
  both("/query_range", &Api::QueryRange, query);
  both("/query_exemplars", &Api::QueryExemplars, query);
  both("/format_query", &Api::FormatQuery, admin);
  both("/parse_query", &Api::ParseQuery, admin);

  both("/series", &Api::Series, query);
  router->Handle("DELETE", base + "/series", Ready(&Api::DropSeries), admin);
  both("/labels", &Api::LabelNames, query);
  get("/label/:name/values", &Api::LabelValues, query);

  get("/targets", &Api::Targets, admin);
  get("/targets/metadata", &Api::TargetMetadata, admin);
  get("/targets/relabel_steps", &Api::RelabelSteps, admin);
  get("/scrape_pools", &Api::ScrapePools, admin);
  get("/scrape_pools/config", &Api::ScrapePoolConfig, admin);
  get("/metadata", &Api::MetricMetadata, admin);

  get("/rules", &Api::Rules, admin);
  get("/alerts", &Api::Alerts, admin);
  get("/alertmanagers", &Api::Alertmanagers, admin);

  get("/status/config", &Api::StatusConfig, admin);
  get("/status/flags", &Api::StatusFlags, admin);
  get("/status/runtimeinfo", &Api::StatusRuntime, admin);
  get("/status/buildinfo", &Api::StatusBuild, admin);
  get("/status/tsdb", &Api::StatusTsdb, query);
  get("/status/tsdb/blocks", &Api::StatusBlocks, admin);
  get("/status/self_metrics", &Api::StatusSelfMetrics, admin);
  get("/features", &Api::Features, admin);
  router->Get(base + "/status/walreplay", Always(&Api::StatusReplay), admin);
  router->Get(base + "/notifications", Always(&Api::NotificationList), admin);
  http::RouteOptions live = admin;
  live.compress = false;
  live.long_lived = true;
  router->Get(base + "/notifications/live", Always(&Api::NotificationsLive), live);

  for (const char* method : {"POST", "PUT"}) {
    router->Handle(method, base + "/admin/tsdb/snapshot", Ready(&Api::Snapshot), admin);
    router->Handle(method, base + "/admin/tsdb/delete_series", Ready(&Api::DeleteSeries), admin);
    router->Handle(method, base + "/admin/tsdb/clean_tombstones", Ready(&Api::CleanTombstones),
                   admin);
  }
}

}  // namespace deucalion::api
