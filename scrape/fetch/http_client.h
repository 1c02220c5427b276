// Outgoing HTTP: scrapes, discovery, remote write, notifications.
//
// An HttpClient sends requests the way one HttpClientConfig says: authentication, TLS, proxies,
// redirects, extra headers. Clients share an HttpEngine, one event thread that moves the bytes of
// thousands of concurrent transfers over kept connections (libcurl's multi interface under epoll).
//
// Send may be called from any thread. `done` is called exactly once, on the event thread (or inside
// Send when the request cannot even be made): hand the response over and return. Clients may be
// destroyed while requests are under way; the engine must outlive its clients and calls every
// `done` before its destructor returns. Errors are worded as Go's net/http words them.
#ifndef DEUCALION_SCRAPE_FETCH_HTTP_CLIENT_H_
#define DEUCALION_SCRAPE_FETCH_HTTP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "scrape/http_client_config.h"

namespace deucalion::scrape {

// What a response body may grow to when the request does not say: no exposition is larger, and a
// target that sends gigabytes must not take the memory of the server.
inline constexpr uint64_t kDefaultMaxBodyBytes = uint64_t{512} << 20;

// dial_metrics.h
class DialMetrics;
struct Dialer;

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int64_t timeout_ms =
      10'000;  // for everything: name look-up, connection, redirects, the whole body
  uint64_t max_body_bytes = kDefaultMaxBodyBytes;  // as received; beyond it kResourceExhausted
  std::string unix_socket;                         // connect here instead of the URL's host
  size_t expected_body_bytes = 0;                  // reserved beforehand
  // Whose connections this one's are, in the metrics. Must outlive the engine; may be null.
  const Dialer* dialer = nullptr;
  // Each new connection looks the name up anew and takes any of its addresses.
  bool shuffle_addresses = false;
};

struct HttpResponse {
  int status = 0;
  std::string status_line;  // "500 Internal Server Error"
  std::string body;         // as received: see DecodeGzip
  // Of the final response, names in lower case; of repeated headers the last.
  std::map<std::string, std::string, std::less<>> headers;

  std::string_view Header(std::string_view lower_case_name) const {
    const auto it = headers.find(lower_case_name);
    return it == headers.end() ? std::string_view() : std::string_view(it->second);
  }
};

class HttpClient {
 public:
  using Done = std::function<void(Result<HttpResponse>)>;
  virtual ~HttpClient() = default;
  virtual void Send(HttpRequest request, Done done) = 0;
};

class HttpEngine {
 public:
  virtual ~HttpEngine() = default;
  // `config` must have been validated. Fails when its files cannot be used.
  virtual Result<std::unique_ptr<HttpClient>> NewClient(const HttpClientConfig& config) = 0;
};
// Starts the event thread.
std::unique_ptr<HttpEngine> NewHttpEngine();

// kResourceExhausted "body size limit exceeded" when the decoded text reaches `max_bytes`.
Result<std::string> DecodeGzip(std::string_view bytes, uint64_t max_bytes);

// "200 OK" for 200: code and Go's http.StatusText.
std::string HttpStatusLine(int status);
// As url.QueryEscape: everything but letters, digits and -_.~ ; spaces become '+'.
std::string QueryEscape(std::string_view text);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_FETCH_HTTP_CLIENT_H_
