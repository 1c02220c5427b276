#include "server/web/debug.h"

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace deucalion::web {
namespace {

constexpr std::string_view kIndex =
    "This server is not a Go program: it has none of Go's profiles, and no goroutines to show.\n"
    "\n"
    "  cmdline  the command line, arguments separated by NUL bytes\n"
    "\n"
    "For CPU profiles use perf on the process; for memory, the metrics "
    "process_resident_memory_bytes\n"
    "and prometheus_tsdb_*.\n";

// Arguments separated by NUL, without the last one's.
std::string CommandLine() {
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  std::string text = out.str();
  if (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

void ServeDebug(http::Request& request, http::Response* response) {
  const std::string_view path = request.path_params.Get("subpath");
  constexpr std::string_view kProfiles = "/pprof/";
  if (path == "/pprof") {
    response->Redirect(request, 301, request.raw_path + "/");
  } else if (!path.starts_with(kProfiles)) {
    response->Error(404, "404 page not found");
  } else if (path == kProfiles) {
    response->Text(200, kIndex);
  } else if (path == "/pprof/cmdline") {
    response->Text(200, CommandLine());
    response->headers.Set("X-Content-Type-Options", "nosniff");
  } else {
    response->headers.Set("X-Go-Pprof", "1");
    response->Error(404, "Unknown profile");
  }
}

}  // namespace

void RegisterDebug(http::Router* router) {
  router->Get("/debug/*subpath", ServeDebug);
  router->Post("/debug/*subpath", ServeDebug);
}

}  // namespace deucalion::web
