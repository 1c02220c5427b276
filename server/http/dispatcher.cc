#include "server/http/dispatcher.h"

namespace deucalion::http {

Dispatcher::Lane::Lane(const char* name, const PoolOptions& o)
    : options(o), pool(name, std::max<size_t>(o.threads, 1)) {}

Dispatcher::Dispatcher(const ServerOptions& options)
    : ingest_(std::make_unique<Lane>("http-ingest", options.ingest)),
      query_(std::make_unique<Lane>("http-query", options.query)),
      admin_(std::make_unique<Lane>("http-admin", options.admin)) {}

Dispatcher::Lane& Dispatcher::LaneOf(PoolClass pool) const {
  switch (pool) {
    case PoolClass::kIngest:
      return *ingest_;
    case PoolClass::kQuery:
      return *query_;
    case PoolClass::kInline:
    case PoolClass::kAdmin:
      break;
  }
  return *admin_;
}

void Dispatcher::Enqueue(Lane& lane, std::shared_ptr<Exchange> exchange) {
  lane.pool.Submit([&lane, exchange = std::move(exchange)] {
    lane.waiting.fetch_sub(1);
    exchange->Run();
  });
}

bool Dispatcher::Submit(PoolClass pool, std::shared_ptr<Exchange> exchange) {
  Lane& lane = LaneOf(pool);
  if (lane.waiting.fetch_add(1) >= lane.options.max_queue) {
    lane.waiting.fetch_sub(1);
    return false;
  }
  Enqueue(lane, std::move(exchange));
  return true;
}

void Dispatcher::Resume(PoolClass pool, std::shared_ptr<Exchange> exchange) {
  Lane& lane = LaneOf(pool);
  lane.waiting.fetch_add(1);
  Enqueue(lane, std::move(exchange));
}

int64_t Dispatcher::max_wait_ns(PoolClass pool) const {
  return std::chrono::nanoseconds(LaneOf(pool).options.max_wait).count();
}

}  // namespace deucalion::http
