// Router: from method and path to a handler, with the rules of the router inside Prometheus.
//
// Patterns are "/api/v1/query", "/api/v1/label/:name/values" (one segment) and "/static/*filepath"
// (the rest, with its slash). Fixed segments win over parameters, parameters over a rest. A path
// that only differs by a trailing slash is redirected (301 for GET, 308 otherwise); another method
// on a known path is 405 with Allow, OPTIONS on it 200 with Allow; everything else is
// "404 page not found". A path with empty, "." or ".." segments is redirected to the clean one.
//
// Built before the server starts, then const: Find may be called from any thread.
#ifndef DEUCALION_SERVER_HTTP_ROUTER_H_
#define DEUCALION_SERVER_HTTP_ROUTER_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace deucalion::http {

// Where a handler runs. kInline is the event loop itself: only for handlers that neither block nor
// compute for more than microseconds. Routes of the other pools may name what a request's cost
// depends on (RouteOptions::cost_key): what was cheap the last times is then run by the loop too.
enum class PoolClass { kInline, kIngest, kQuery, kAdmin };

struct RouteOptions {
  PoolClass pool = PoolClass::kAdmin;
  // Label `handler` of the HTTP metrics; the pattern when empty.
  std::string label;
  // 0: the server's default for the pool class.
  size_t max_body_bytes = 0;
  // Compress the response when the client accepts it and the handler has set no Content-Encoding.
  bool compress = true;
  // Long-lived by design (server-sent events): no write-progress deadline while nothing is to send.
  bool long_lived = false;
  // Requests of one key are expected to take about the same time; 0 when nothing can be said. Null:
  // always on the pool.
  std::function<uint64_t(const Request&)> cost_key;
};

struct Route {
  Handler handler;
  RouteOptions options;
};

class Router {
 public:
  // `prefix` ("" or "/prometheus") goes before every pattern; labels do not show it. GET / is then
  // redirected to it.
  explicit Router(std::string prefix = "");
  ~Router();

  void Handle(std::string_view method, std::string_view pattern, Handler handler,
              RouteOptions options = {});
  void Get(std::string_view pattern, Handler handler, RouteOptions options = {});
  void Post(std::string_view pattern, Handler handler, RouteOptions options = {});

  struct Match {
    // Never null. For misses a built-in route that writes the 404, 405 or redirect. Valid as long
    // as the router.
    std::shared_ptr<const Route> route;
    Params params;
    bool found = false;
  };
  // `path` is decoded.
  Match Find(std::string_view method, std::string_view path) const;

  const std::string& prefix() const { return prefix_; }
  // Every registered label once: for metrics that exist before the first request.
  std::vector<std::string> Labels() const;

 private:
  struct Node;

  // The node that serves `method` (empty: any method) at `rest`.
  const Node* Walk(const Node* node, std::string_view rest, std::string_view method,
                   Params* params) const;
  Match Miss(std::string_view method, std::string_view path) const;

  const std::string prefix_;
  std::unique_ptr<Node> root_;
  std::shared_ptr<const Route> not_found_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_ROUTER_H_
