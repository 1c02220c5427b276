// Exchange: one request from the moment it is complete until its response has left.
//
// Two threads know it: the event loop that owns the connection, and the worker that runs the
// handler. While a worker has it (queued or running), transport and output belong to the worker and
// the loop only cancels, abandons or watches. When the worker is done, it gives both back. A plain
// keep-alive answer needs no message for that: the loop finds out when the client speaks next. Only
// when the loop has said that it is watching, or has to act (output left, connection to close), the
// worker posts to its mailbox. That saves a wake-up of the loop per request.
#ifndef DEUCALION_SERVER_HTTP_EXCHANGE_H_
#define DEUCALION_SERVER_HTTP_EXCHANGE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/thread_annotations.h"
#include "server/http/cost_memory.h"
#include "server/http/engine.h"
#include "server/http/http_metrics.h"
#include "server/http/respond.h"
#include "server/http/router.h"
#include "server/http/server.h"
#include "server/http/transport.h"

namespace deucalion::http {

class Exchange;

// How workers and pushers reach an event loop. Outlives the loop as long as anyone holds it.
// Thread-safe.
class Mailbox {
 public:
  Mailbox();

  int fd() const { return event_.get(); }
  void Post(std::shared_ptr<Exchange> exchange) EXCLUDES(mu_);
  // Connection `id` has something to take from its PushStream.
  void PostPush(uint64_t id) EXCLUDES(mu_);
  void PostTask(std::function<void()> task) EXCLUDES(mu_);

  struct Mail {
    std::vector<std::shared_ptr<Exchange>> exchanges;
    std::vector<uint64_t> pushes;
    std::vector<std::function<void()>> tasks;
  };
  Mail Collect() EXCLUDES(mu_);

 private:
  void Signal(bool was_empty);
  bool Empty() const REQUIRES(mu_);

  const UniqueFd event_;
  Mutex mu_;
  Mail mail_ GUARDED_BY(mu_);
};

// What a worker needs of the server; all of it outlives every exchange.
struct ExchangeEnv {
  Engine* engine = nullptr;
  const ServerOptions* options = nullptr;
  Logger* logger = nullptr;
  CostMemory* costs = nullptr;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  enum class Outcome { kDone, kBlocked, kPush, kFailed };

  Exchange(const ExchangeEnv* env, std::shared_ptr<Mailbox> mailbox, Transport* transport,
           OutputQueue* output)
      : env_(env), mailbox_(std::move(mailbox)), transport_(transport), output_(output) {}

  // Set before it is queued.
  Request request;
  std::shared_ptr<const Route> route;
  HttpMetrics::PerHandler* metrics = nullptr;
  std::string accept_encoding;
  bool keep_alive = true;
  bool http10 = false;
  int64_t start_ns = 0;
  uint64_t cost_key = 0;    // see CostMemory
  int64_t expected_ns = 0;  // by CostMemory; negative: not known to be cheap
  uint64_t connection_id = 0;

  // Worker side. Runs the handler the first time, asks the source for more later. Does nothing when
  // the loop has abandoned the exchange.
  void Run();

  // Loop side. True when the loop holds transport and output (again); otherwise the worker will
  // post.
  bool Watch();
  bool finished() const { return phase_.load() == Phase::kFinished; }
  // Tells the handler that nobody waits. Any thread.
  void Cancel() { cancel_.Cancel(); }
  // Takes a queued exchange away from its pool: true when no worker will touch it any more.
  bool Withdraw();
  // The client is gone: cancels, withdraws, and makes a running one stop writing. True when the
  // loop holds transport and output.
  bool Abandon();
  // Back to the pool for more of the source.
  void Requeue();

  // Valid while finished().
  Outcome outcome() const { return outcome_; }
  bool has_source() const { return response_.source != nullptr; }
  PushStream* push() const { return response_.push.get(); }
  bool chunked() const { return framing_.chunked; }
  // Also false when the body ends with the connection.
  bool reusable() const { return keep_alive && !framing_.until_close; }
  void AddPushedBytes(size_t bytes) { body_bytes_ += bytes; }
  // Once the response has left, or never will.
  void ObserveMetrics();

 private:
  enum class Phase { kQueued, kRunning, kFinished, kAbandoned };

  Outcome Start();
  void Respond(Response* response);
  Outcome Pump();
  void ObserveMetricsAt(int64_t now_ns);
  // False when the source failed.
  bool PullPiece();
  void PushBody(std::string piece);

  const ExchangeEnv* const env_;
  const std::shared_ptr<Mailbox> mailbox_;
  Transport* const transport_;
  OutputQueue* const output_;

  // Shared between the two.
  std::atomic<Phase> phase_{Phase::kQueued};
  std::atomic<bool> watched_{false};
  std::atomic<bool> hopeless_{false};
  CancelToken cancel_;

  // Of whoever has the exchange.
  bool started_ = false;
  bool observed_ = false;
  Response response_;
  Framing framing_;
  Outcome outcome_ = Outcome::kFailed;
  uint64_t body_bytes_ = 0;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_EXCHANGE_H_
