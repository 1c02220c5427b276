#include "server/web/web.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "server/http/exposition_format.h"
#include "server/web/debug.h"
#include "server/web/files.h"
#include "server/web/page.h"

namespace deucalion::web {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kNoLifecycle = "Lifecycle API is not enabled.";

void RegisterHealth(const WebOptions& options, http::Router* router) {
  const std::string name = options.agent ? "Prometheus Agent" : "Prometheus Server";
  for (const char* method : {"GET", "HEAD"}) {
    router->Handle(method, "/-/healthy",
                   [text = name + " is Healthy.\n"](http::Request&, http::Response* response) {
                     response->SetBody(text, kText);
                   },
                   {.pool = http::PoolClass::kInline, .compress = false});
    router->Handle(
        method, "/-/ready",
        [options, text = name + " is Ready.\n"](http::Request&, http::Response* response) {
          if (options.ready() && !options.stopping()) {
            response->SetBody(text, kText);
            return;
          }
          response->headers.Set("X-Prometheus-Stopping", options.stopping() ? "true" : "false");
          response->Text(503, "Service Unavailable");
        },
        {.pool = http::PoolClass::kInline, .compress = false});
  }
}

void RegisterLifecycle(const WebOptions& options, http::Router* router) {
  const auto reload = [options](http::Request&, http::Response* response) {
    if (!options.enable_lifecycle) return response->Text(403, kNoLifecycle);
    const Status reloaded = options.reload();
    if (!reloaded.ok()) {
      response->Error(500, "failed to reload config: " + reloaded.message());
    }
  };
  const auto asked = std::make_shared<std::atomic<bool>>(false);
  const auto quit = [options, asked](http::Request&, http::Response* response) {
    if (!options.enable_lifecycle) return response->Text(403, kNoLifecycle);
    if (asked->exchange(true)) {
      return response->SetBody("Termination already in progress.", kText);
    }
    response->SetBody("Requesting termination... Goodbye!", kText);
    options.quit();
  };
  for (const char* method : {"POST", "PUT"}) {
    router->Handle(method, "/-/reload", reload);
    router->Handle(method, "/-/quit", quit);
  }
  const auto only_post = [](http::Request&, http::Response* response) {
    response->Text(405, "Only POST or PUT requests allowed");
  };
  router->Get("/-/reload", only_post);
  router->Get("/-/quit", only_post);
}

// /metrics, and what promhttp counts about it.
class MetricsPage {
 public:
  explicit MetricsPage(MetricRegistry* metrics)
      : metrics_(metrics),
        in_flight_(metrics->AddGauge("promhttp_metric_handler_requests_in_flight",
                                     "Current number of scrapes being served.")) {
    auto* requests =
        metrics->AddCounterFamily("promhttp_metric_handler_requests_total",
                                  "Total number of scrapes by HTTP status code.", {"code"});
    served_ = requests->With({"200"});
    for (const char* code : {"500", "503"}) requests->With({code});
  }

  void Serve(const http::Request& request, http::Response* response) {
    in_flight_->Add(1);
    const auto format = http::ExpositionFormat::Negotiate(request.headers.Get("Accept"), false);
    response->SetBody(metrics_->TextExposition(), format.ContentType());
    in_flight_->Add(-1);
    served_->Increment();
  }

 private:
  MetricRegistry* const metrics_;
  Gauge* const in_flight_;
  Counter* served_;
};

}  // namespace

void Register(const WebOptions& options, http::Router* router) {
  RegisterHealth(options, router);
  RegisterLifecycle(options, router);
  router->Get("/metrics", [page = std::make_shared<MetricsPage>(options.metrics)](
                              http::Request& request, http::Response* response) {
    page->Serve(request, response);
  });
  // As Go's encoder writes it, and with the type Go's sniffing finds.
  router->Get("/version", [json = options.version_json](http::Request&, http::Response* response) {
    response->SetBody(json + "\n", kText);
  });
  RegisterDebug(router);
  router->Get("/consoles/*filepath", [](http::Request&, http::Response* response) {
    response->Error(404, "console templates are not supported yet");
  });
  if (!options.user_assets.empty()) {
    router->Get("/user/*filepath", [dir = options.user_assets](http::Request& request,
                                                               http::Response* response) {
      ServeFile(FileSystem::Posix(), dir, request.path_params.Get("filepath"), response);
    });
  }
  const std::string page =
      FrontPage(options.page_title, options.version, options.path_prefix, options.agent);
  const std::vector<std::string> paths = options.agent
                                             ? std::vector<std::string>{"/", "/agent"}
                                             : std::vector<std::string>{"/", "/query", "/graph"};
  for (const std::string& path : paths) {
    router->Get(path, [page](http::Request&, http::Response* response) {
      response->SetBody(page, "text/html; charset=utf-8");
    });
  }
}

}  // namespace deucalion::web
