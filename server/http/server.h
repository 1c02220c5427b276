// Server: HTTP/1.1 (and HTTPS) for thousands of clients, some of them broken or hostile.
//
// One event loop per `io_threads` owns the connections: it accepts, reads, cuts requests out of the
// byte stream and keeps the deadlines; an idle connection costs its memory and nothing else. A
// complete request goes to the pool of its route (ingest, query, admin: a slow query never delays a
// remote write), where cpp-httplib parses the head and the handler runs. What the client does not
// take at once is kept, bounded, by the loop; no thread ever waits for a client.
//
// The router, registry and logger must outlive the server. Start and Stop once each, from one
// thread; the rest from any.
#ifndef DEUCALION_SERVER_HTTP_SERVER_H_
#define DEUCALION_SERVER_HTTP_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "base/status.h"
#include "server/http/message.h"
#include "server/http/router.h"

namespace deucalion::http {

class TlsContext;

struct PoolOptions {
  size_t threads = 4;
  // Requests that wait while all threads are busy. Beyond it: 503 with Retry-After.
  size_t max_queue = 1000;
  // How long one may wait before it gets the same 503.
  std::chrono::milliseconds max_wait{120'000};
};

struct Limits {
  size_t request_line_bytes = 64 << 10;  // 414
  size_t header_bytes = 64 << 10;        // 431, without the request line
  size_t header_count = 256;             // 431
  // 413. Per pool class; a route may set its own.
  size_t ingest_body_bytes = 64 << 20;
  size_t query_body_bytes = 10 << 20;  // what Go's ParseForm reads
  size_t admin_body_bytes = 10 << 20;
  // All bodies being received or waiting for a handler, together. Beyond it: 503.
  size_t total_body_bytes = 512 << 20;
  // What waits for a slow reader of a streamed response before the source is left alone.
  size_t output_buffer_bytes = 1 << 20;
};

struct Timeouts {
  std::chrono::milliseconds tls_handshake{10'000};
  // From the first byte of a request to the end of its head.
  std::chrono::milliseconds header{30'000};
  // A whole request, and an idle keep-alive connection (web.read-timeout).
  std::chrono::milliseconds read{300'000};
  // A body that makes less than `body_min_bytes` of progress in this time is given up.
  std::chrono::milliseconds body_progress{30'000};
  size_t body_min_bytes = 1024;
  // A response of which the client has taken less than `write_min_bytes` in this time is cut.
  std::chrono::milliseconds write_progress{120'000};
  size_t write_min_bytes = 1024;
};

struct ServerOptions {
  // "0.0.0.0:9090", ":9090" (all addresses, IPv6 too), "[::1]:0", "localhost:9090".
  std::vector<std::string> listen_addresses{"0.0.0.0:9090"};
  // More wait in the listen backlog, as behind Go's LimitListener.
  size_t max_connections = 512;
  size_t io_threads = 1;
  PoolOptions ingest{.threads = 4, .max_queue = 1000};
  PoolOptions query{.threads = 20, .max_queue = 1000};
  PoolOptions admin{.threads = 4, .max_queue = 1000};
  Limits limits;
  Timeouts timeouts;
  // Asked for each new connection; an error closes it. Unset: plain HTTP.
  std::function<Result<std::shared_ptr<TlsContext>>()> tls;
  // Runs before every handler, on the handler's pool (it may compute a bcrypt hash); false: the
  // response it has filled is the answer. Headers it sets stay on the response.
  std::function<bool(const Request&, Response*)> gate;
};

class Server {
 public:
  // `registry` may be null.
  Server(ServerOptions options, const Router* router, MetricRegistry* registry, Logger* logger);
  // Stops at once if it still runs.
  ~Server();

  // Listens on every address, then serves.
  Status Start();
  // Takes no new connection or request, lets requests in flight end, cancels what is left at the
  // deadline, and returns when no handler runs any more. Idempotent.
  void Stop(std::chrono::milliseconds deadline = std::chrono::milliseconds(0));

  // In the order of the addresses; after Start.
  std::vector<uint16_t> ports() const;
  size_t connections() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_SERVER_H_
