#include "server/web/web.h"

#include "server/web/page.h"

namespace deucalion::web {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

void RegisterHealth(const WebOptions& options, http::Router* router) {
  for (const char* method : {"GET", "HEAD"}) {
    router->Handle(method, "/-/healthy",
                   [](http::Request&, http::Response* response) {
                     response->SetBody("Prometheus Server is Healthy.\n", kText);
                   },
                   {.pool = http::PoolClass::kInline, .compress = false});
    router->Handle(method, "/-/ready",
                   [options](http::Request&, http::Response* response) {
                     if (options.ready() && !options.stopping()) {
                       response->SetBody("Prometheus Server is Ready.\n", kText);
                       return;
                     }
                     response->headers.Set("X-Prometheus-Stopping",
                                           options.stopping() ? "true" : "false");
                     response->Error(503, "Service Unavailable");
                   },
                   {.pool = http::PoolClass::kInline, .compress = false});
  }
}

void RegisterLifecycle(const WebOptions& options, http::Router* router) {
  const auto reload = [options](http::Request&, http::Response* response) {
    if (!options.enable_lifecycle) return response->Error(403, "Lifecycle API is not enabled.");
    const Status reloaded = options.reload();
    if (!reloaded.ok()) {
      response->Error(500, "failed to reload config: " + reloaded.message());
    }
  };
  const auto quit = [options](http::Request&, http::Response* response) {
    if (!options.enable_lifecycle) return response->Error(403, "Lifecycle API is not enabled.");
    response->SetBody("Requesting termination... Goodbye!", kText);
    options.quit();
  };
  for (const char* method : {"POST", "PUT"}) {
    router->Handle(method, "/-/reload", reload);
    router->Handle(method, "/-/quit", quit);
  }
  const auto only_post = [](http::Request&, http::Response* response) {
    response->headers.Set("Allow", "POST, PUT");
    response->Error(405, "Only POST or PUT requests allowed");
  };
  router->Get("/-/reload", only_post);
  router->Get("/-/quit", only_post);
}

void ServeMetrics(MetricRegistry* metrics, http::Request& request, http::Response* response) {
  const std::string_view accept = request.headers.Get("Accept");
  if (accept.find("application/openmetrics-text") != std::string_view::npos) {
    response->SetBody(metrics->OpenMetricsExposition(),
                      "application/openmetrics-text; version=1.0.0; charset=utf-8");
  } else {
    response->SetBody(metrics->TextExposition(), "text/plain; version=0.0.4; charset=utf-8");
  }
}

}  // namespace

void Register(const WebOptions& options, http::Router* router) {
  RegisterHealth(options, router);
  RegisterLifecycle(options, router);
  router->Get("/metrics",
              [metrics = options.metrics](http::Request& request, http::Response* response) {
                ServeMetrics(metrics, request, response);
              });
  router->Get("/version", [version = options.version](http::Request&, http::Response* response) {
    response->SetBody("{\"version\":\"" + version + "\"}", "application/json");
  });
  const std::string page = FrontPage(options.page_title, options.version, options.path_prefix);
  for (const char* path : {"/", "/query", "/graph"}) {
    router->Get(path, [page](http::Request&, http::Response* response) {
      response->SetBody(page, "text/html; charset=utf-8");
    });
  }
}

}  // namespace deucalion::web
