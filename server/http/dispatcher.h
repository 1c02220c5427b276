// Dispatcher: the three worker pools and their bounded queues.
#ifndef DEUCALION_SERVER_HTTP_DISPATCHER_H_
#define DEUCALION_SERVER_HTTP_DISPATCHER_H_

#include <array>
#include <atomic>
#include <memory>

#include "server/http/exchange.h"
#include "server/http/request_pool.h"
#include "server/http/router.h"
#include "server/http/server.h"

namespace deucalion::http {

// Thread-safe. Destroying it waits for everything that was submitted.
class Dispatcher {
 public:
  explicit Dispatcher(const ServerOptions& options);

  // False when `pool` has a full queue: nothing was taken. kInline counts as kAdmin.
  bool Submit(PoolClass pool, std::shared_ptr<Exchange> exchange);
  // For work that was admitted before: never refused.
  void Resume(PoolClass pool, std::shared_ptr<Exchange> exchange);
  // Longest wait before a request is answered with 503.
  int64_t max_wait_ns(PoolClass pool) const;

 private:
  struct Lane {
    explicit Lane(const char* name, const PoolOptions& options);

    const PoolOptions options;
    // Submitted and not yet picked up by a thread.
    std::atomic<size_t> waiting{0};
    RequestPool pool;
  };

  Lane& LaneOf(PoolClass pool) const;
  static void Enqueue(Lane& lane, std::shared_ptr<Exchange> exchange);

  const std::unique_ptr<Lane> ingest_;
  const std::unique_ptr<Lane> query_;
  const std::unique_ptr<Lane> admin_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_DISPATCHER_H_
