// Api: Prometheus's HTTP API, /api/v1. Registers its handlers on a router; each is a small function
// from parameters to an answer. Thread-safe: handlers run on the pools of the HTTP server at once.
//
// Everything in ApiOptions must outlive it.
#ifndef DEUCALION_SERVER_API_API_H_
#define DEUCALION_SERVER_API_API_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "promql/engine.h"
#include "promql/parser/parser.h"
#include "scrape/loop/scrape_manager.h"
#include "server/api/cors.h"
#include "server/api/features.h"
#include "server/api/notifications.h"
#include "server/http/router.h"
#include "tsdb/storage.h"

namespace deucalion::api {

struct BuildInfo {
  std::string version, revision, branch, build_user, build_date, go_version;
};

// What /status/runtimeinfo shows that the server alone knows.
struct RuntimeInfo {
  int64_t start_ms = 0;
  bool reload_config_success = true;
  int64_t last_config_ms = 0;
  int64_t corruption_count = 0;
  std::string storage_retention;
  int64_t threads = 0;
};

struct ApiOptions {
  promql::Engine* engine = nullptr;
  promql::ParserOptions parser;
  // Null until the database has opened: until then, and while stopping, calls answer 503.
  std::function<Storage*()> storage;
  // What queries, series and labels read: the storage, and whatever else belongs to it. Called when
  // there is a storage.
  std::function<Queryable*()> queryable;
  std::function<bool()> stopping;
  std::function<ReplayProgress()> replay;
  scrape::ScrapeManager* scrape = nullptr;
  MetricRegistry* metrics = nullptr;
  Logger* logger = nullptr;
  const Clock* clock = nullptr;
  Notifications* notifications = nullptr;
  const FeatureRegistry* features = nullptr;

  std::function<std::string()> config_yaml;
  // One job, secrets hidden; kNotFound.
  std::function<Result<std::string>(const std::string& job)> scrape_config_yaml;
  std::vector<std::pair<std::string, std::string>> flags;
  std::function<RuntimeInfo()> runtime;
  BuildInfo build;

  // Outside the envelope, and without CORS; called when the database is there.
  http::Handler remote_write, remote_read, otlp_write;

  // --agent: scraping and sending only. What would read the storage answers that it is unavailable.
  bool agent = false;
  bool enable_admin = false;
  Cors cors;
  // Scheme and host of the external URL, and our own port: how targets on localhost are shown.
  std::string external_scheme, external_host, listen_port;
  std::string external_url;
  size_t max_notification_subscribers = 16;
};

class Api {
 public:
  explicit Api(ApiOptions options);
  // Below /api/v1. The router must not outlive this.
  void Register(http::Router* router);
  // The object /status/buildinfo answers with.
  std::string BuildInfoJson() const;

 private:
  using Method = void (Api::*)(http::Request&, http::Response*);
  // How a route of the table is served.
  struct Binding {
    std::string_view path;
    Method method;  // null: the handler of the same path in ApiOptions
    http::PoolClass pool;
    bool always = false;  // from the first moment on, without a database
    uint64_t (*cost_key)(const http::Request&) = nullptr;
  };
  static std::span<const Binding> Bindings();
  http::Handler Wrap(const Binding& binding);
  // True when there is a database; otherwise the answer has been written.
  bool Ready(http::Response* response) const;

  // query_handlers.cc
  void Query(http::Request& request, http::Response* response);
  void QueryRange(http::Request& request, http::Response* response);
  void QueryExemplars(http::Request& request, http::Response* response);
  void FormatQuery(http::Request& request, http::Response* response);
  void ParseQuery(http::Request& request, http::Response* response);
  // series_handlers.cc
  void Series(http::Request& request, http::Response* response);
  void LabelNames(http::Request& request, http::Response* response);
  void LabelValues(http::Request& request, http::Response* response);
  // target_handlers.cc
  void Targets(http::Request& request, http::Response* response);
  void TargetMetadata(http::Request& request, http::Response* response);
  void RelabelSteps(http::Request& request, http::Response* response);
  void ScrapePools(http::Request& request, http::Response* response);
  void ScrapePoolConfig(http::Request& request, http::Response* response);
  void MetricMetadata(http::Request& request, http::Response* response);
  // rule_handlers.cc
  void Rules(http::Request& request, http::Response* response);
  void Alerts(http::Request& request, http::Response* response);
  void Alertmanagers(http::Request& request, http::Response* response);
  // status_handlers.cc
  void StatusConfig(http::Request& request, http::Response* response);
  void StatusFlags(http::Request& request, http::Response* response);
  void StatusRuntime(http::Request& request, http::Response* response);
  void StatusBuild(http::Request& request, http::Response* response);
  void StatusTsdb(http::Request& request, http::Response* response);
  void StatusBlocks(http::Request& request, http::Response* response);
  void StatusReplay(http::Request& request, http::Response* response);
  void StatusSelfMetrics(http::Request& request, http::Response* response);
  void Features(http::Request& request, http::Response* response);
  void NotificationList(http::Request& request, http::Response* response);
  void NotificationsLive(http::Request& request, http::Response* response);
  void OpenApi(http::Request& request, http::Response* response);
  // admin_handlers.cc
  void Snapshot(http::Request& request, http::Response* response);
  void DeleteSeries(http::Request& request, http::Response* response);
  void CleanTombstones(http::Request& request, http::Response* response);

  const ApiOptions options_;
  const std::string openapi_31_, openapi_32_;
};

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_API_H_
