// ApiClient: requests to the HTTP API of a Prometheus or Deucalion server, one at a time.
//
// Calls block. Errors are those Prometheus's own client library reports, "bad_data: …" or
// "server_error: server error: 503 (detail: …)".
#ifndef DEUCALION_SERVER_TOOL_API_CLIENT_H_
#define DEUCALION_SERVER_TOOL_API_CLIENT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "scrape/fetch/http_client.h"

namespace deucalion::tool {

// Which server, and how to talk to it.
struct ServerArgs {
  std::string url = "http://localhost:9090";
  std::string http_config_file;
  std::vector<std::pair<std::string, std::string>> headers;
};

using FormParams = std::vector<std::pair<std::string, std::string>>;

class ApiClient {
 public:
  // Errors: a URL that is none, a client configuration that cannot be used.
  static Result<std::unique_ptr<ApiClient>> Make(const ServerArgs& server);

  // The response whatever its status; fails when there is none.
  Result<scrape::HttpResponse> Get(const std::string& path, const FormParams& params,
                                   int64_t timeout_ms);
  // Sends the parameters as a form, or, to a server that refuses that, in the URL.
  Result<scrape::HttpResponse> Post(const std::string& path, const FormParams& params,
                                    int64_t timeout_ms);
  // As given, with a scheme.
  const std::string& url() const { return url_; }

 private:
  ApiClient() = default;
  Result<scrape::HttpResponse> Send(scrape::HttpRequest request);

  std::string url_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::unique_ptr<scrape::HttpEngine> engine_;
  std::unique_ptr<scrape::HttpClient> client_;
};

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_API_CLIENT_H_
