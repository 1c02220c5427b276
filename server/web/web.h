// What the server answers outside of the API: health, readiness, lifecycle, its own metrics, and
// the page at /. Thread-safe.
#ifndef DEUCALION_SERVER_WEB_WEB_H_
#define DEUCALION_SERVER_WEB_WEB_H_

#include <functional>
#include <string>

#include "base/metrics.h"
#include "base/status.h"
#include "server/http/router.h"

namespace deucalion::web {

struct WebOptions {
  MetricRegistry* metrics = nullptr;  // must outlive the router
  std::function<bool()> ready;
  std::function<bool()> stopping;
  bool enable_lifecycle = false;
  // Blocks until the configuration is loaded or refused.
  std::function<Status()> reload;
  std::function<void()> quit;
  std::string version;
  std::string version_json;  // what /version and /api/v1/status/buildinfo answer
  std::string user_assets;   // directory behind /user/; "" for none
  std::string page_title;
  bool agent = false;  // --agent: nothing can be queried
  // Path of --web.external-url, "" or "/prometheus": where links point.
  std::string path_prefix;
};

void Register(const WebOptions& options, http::Router* router);

}  // namespace deucalion::web

#endif  // DEUCALION_SERVER_WEB_WEB_H_
