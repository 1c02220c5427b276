#include "server/http/router.h"

#include <gtest/gtest.h>

namespace deucalion::http {
namespace {

Handler Says(std::string name) {
  return [name](Request&, Response* response) { response->body = name; };
}

class RouterTest : public testing::Test {
 protected:
  // "<status> <body>[ name=value...]" and for misses the headers that matter.
  static std::string Ask(const Router& router, std::string_view method, std::string_view path,
                         std::string query = "") {
    const Router::Match match = router.Find(method, path);
    Request request;
    request.method = method;
    request.raw_path = path;
    request.query = std::move(query);
    Response response;
    match.route->handler(request, &response);
    std::string out = std::to_string(response.status) + " ";
    if (!response.headers.Has("Location")) out += response.body;
    for (const auto& [name, value] : match.params) out += " " + name + "=" + value;
    for (const char* name : {"Allow", "Location"}) {
      if (response.headers.Has(name)) out += " " + std::string(response.headers.Get(name));
    }
    return out;
  }
};

TEST_F(RouterTest, FindsTheMostSpecificPattern) {
  Router router;
  router.Get("/", Says("root"));
  router.Get("/api/v1/query", Says("query"));
  router.Post("/api/v1/query", Says("query-post"));
  router.Get("/api/v1/label/:name/values", Says("values"));
  router.Get("/api/v1/label/fixed/values", Says("fixed"));
  router.Get("/static/*file", Says("static"));
  EXPECT_EQ(Ask(router, "GET", "/"), "200 root");
  EXPECT_EQ(Ask(router, "GET", "/api/v1/query"), "200 query");
  EXPECT_EQ(Ask(router, "POST", "/api/v1/query"), "200 query-post");
  EXPECT_EQ(Ask(router, "GET", "/api/v1/label/job/values"), "200 values name=job");
  EXPECT_EQ(Ask(router, "GET", "/api/v1/label/fixed/values"), "200 fixed");
  EXPECT_EQ(Ask(router, "GET", "/static/js/a.js"), "200 static file=/js/a.js");
}

TEST_F(RouterTest, AnswersMissesAsHttprouterDoes) {
  Router router;
  router.Get("/a/b", Says("b"));
  router.Post("/a/b", Says("b"));
  router.Get("/dir/", Says("dir"));
  EXPECT_EQ(Ask(router, "GET", "/a"), "404 404 page not found\n");
  EXPECT_EQ(Ask(router, "GET", "no-slash"), "404 404 page not found\n");
  EXPECT_EQ(Ask(router, "PUT", "/a/b"), "405 Method Not Allowed\n GET, OPTIONS, POST");
  EXPECT_EQ(Ask(router, "OPTIONS", "/a/b"), "200  GET, OPTIONS, POST");
  EXPECT_EQ(Ask(router, "GET", "/a/b/", "x=1"), "301  /a/b?x=1");
  EXPECT_EQ(Ask(router, "POST", "/a/b/"), "308  /a/b");
  EXPECT_EQ(Ask(router, "GET", "/dir"), "301  /dir/");
}

TEST_F(RouterTest, PutsThePrefixBeforePathsButNotLabels) {
  Router router("/prom");
  router.Get("/metrics", Says("metrics"));
  EXPECT_EQ(Ask(router, "GET", "/prom/metrics"), "200 metrics");
  EXPECT_EQ(Ask(router, "GET", "/metrics"), "404 404 page not found\n");
  EXPECT_EQ(router.Labels(), std::vector<std::string>{"/metrics"});
}

TEST_F(RouterTest, SurvivesPathsOfNothingButSlashes) {
  Router router;
  router.Get("/a/:b/*rest", Says("x"));
  EXPECT_EQ(Ask(router, "GET", std::string(60'000, '/')), "301  /");
}

TEST_F(RouterTest, RedirectsToTheCleanPath) {
  Router router;
  router.Get("/a/b", Says("b"));
  EXPECT_EQ(Ask(router, "GET", "//a//b", "x=1"), "301  /a/b?x=1");
  EXPECT_EQ(Ask(router, "GET", "/x/../a/./b"), "301  /a/b");
  EXPECT_EQ(Ask(router, "POST", "/../.."), "301  /");
  EXPECT_EQ(Ask(router, "GET", "/a//b é/"), "301  /a/b%20%C3%A9/");
  EXPECT_EQ(Ask(router, "GET", "/a/b"), "200 b");
  EXPECT_EQ(Ask(router, "GET", "/a/..b"), "404 404 page not found\n");
}

TEST_F(RouterTest, SendsTheRootBelowThePrefix) {
  Router router("/prom");
  router.Get("/", Says("home"));
  EXPECT_EQ(Ask(router, "GET", "/"), "302  /prom");
  EXPECT_EQ(Ask(router, "GET", "/prom/"), "200 home");
  EXPECT_EQ(Ask(router, "GET", "/prom"), "301  /prom/");
}

}  // namespace
}  // namespace deucalion::http
