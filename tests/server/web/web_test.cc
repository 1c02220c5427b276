#include "server/web/web.h"

#include <gtest/gtest.h>

#include "base/metrics.h"

namespace deucalion::web {
namespace {

struct Site {
  Site() {
    options.metrics = &metrics;
    options.ready = options.stopping = [] { return false; };
    options.enable_lifecycle = true;
    options.reload = [] { return OkStatus(); };
    options.quit = [this] { quits++; };
    Register(options, &router);
  }
  http::Response Serve(std::string_view method, std::string_view path, std::string accept = "") {
    http::Request request;
    request.method = method;
    request.path = path;
    if (!accept.empty()) request.headers.Set("Accept", std::move(accept));
    http::Response response;
    router.Find(method, path).route->handler(request, &response);
    return response;
  }

  MetricRegistry metrics;
  WebOptions options;
  http::Router router;
  int quits = 0;
};

TEST(WebTest, QuitsOnce) {
  Site site;
  EXPECT_EQ(site.Serve("POST", "/-/quit").body, "Requesting termination... Goodbye!");
  EXPECT_EQ(site.Serve("PUT", "/-/quit").body, "Termination already in progress.");
  EXPECT_EQ(site.quits, 1);
}

// As promhttp.Handler() does in Prometheus.
TEST(WebTest, MetricsAreTextWhateverIsAskedFor) {
  Site site;
  const auto scraped = site.Serve(
      "GET", "/metrics",
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.3");
  EXPECT_EQ(scraped.headers.Get("Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
  EXPECT_EQ(scraped.body.find("# EOF"), std::string::npos);
  EXPECT_NE(scraped.body.find("promhttp_metric_handler_requests_total"), std::string::npos);
  EXPECT_EQ(site.Serve("GET", "/metrics").headers.Get("Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
}

}  // namespace
}  // namespace deucalion::web
