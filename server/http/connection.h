// Connection: the life of one client, as a state machine of its event loop.
//
//   handshake -> reading -> busy -> (writing | pushing) -> reading ... -> draining -> closed
//
// reading   cutting the next request out of the bytes; idle between requests
// busy      a worker has the request, and with it transport and output (see exchange.h)
// writing   the worker is done, the client has not yet taken everything
// pushing   a PushStream feeds the body
// draining  we have said our last word while the client still speaks: its bytes are read and thrown
//           away for a moment, because closing at once would destroy our answer in its buffers
//
// All methods run on the loop's thread. After any of them the loop looks at closed().
#ifndef DEUCALION_SERVER_HTTP_CONNECTION_H_
#define DEUCALION_SERVER_HTTP_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/cost_memory.h"
#include "server/http/dispatcher.h"
#include "server/http/exchange.h"
#include "server/http/request_parser.h"
#include "server/http/transport.h"

namespace deucalion::http {

// What all loops and connections of a server share. Outlives them.
struct ServerShared {
  ServerOptions options;
  const Router* router = nullptr;
  Logger* logger = nullptr;
  HttpMetrics* metrics = nullptr;
  Dispatcher* dispatcher = nullptr;
  CostMemory costs;
  ExchangeEnv exchange_env;
  std::atomic<size_t> open_connections{0};
  // Of all bodies being received or handled.
  std::atomic<size_t> body_bytes{0};
  // No new requests; keep-alive ends.
  std::atomic<bool> stopping{false};
};

class Connection;

// What a connection asks of its loop.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  // Read buffer shared by all connections of the loop.
  virtual char* scratch() = 0;
  virtual int64_t now_ns() const = 0;
  virtual const std::shared_ptr<Mailbox>& mailbox() const = 0;
  // The connection has more to read but has had its share: call Continue later.
  virtual void Yield(uint64_t connection_id) = 0;
  // True when the loop takes a request that is expected to take so long, to run it itself next to
  // its own work.
  virtual bool TakesRequest(int64_t expected_ns) const = 0;
  // To be run soon, as by a pool; OnExchange or OnHandedOver follows.
  virtual void RunHere(std::shared_ptr<Exchange> exchange) = 0;
};

inline constexpr size_t kScratchBytes = 64 << 10;

class Connection {
 public:
  Connection(uint64_t id, ServerShared* shared, ConnectionHost* host, UniqueFd fd,
             std::shared_ptr<TlsContext> tls, std::string remote_addr);
  ~Connection();

  uint64_t id() const { return id_; }
  int fd() const { return transport_.fd(); }
  bool closed() const { return state_ == State::kClosed; }

  // Edge-triggered epoll events.
  void OnEvents(uint32_t events);
  // The thread that ran our exchange for the loop is no longer the loop's: it is a worker now.
  void OnHandedOver();
  // The loop has taken our exchange to run it (RunHere), and cannot.
  void OnNotRunHere();
  // A worker has posted `exchange`.
  void OnExchange(const Exchange* exchange);
  // The PushStream has something.
  void OnPush();
  // After Yield.
  void Continue();
  void CheckDeadlines();
  // Graceful: ends idle connections and push streams; others end after their response.
  void OnStopping();
  // Gives up everything that no worker holds; what a worker holds ends when it is done.
  void Kill();

 private:
  enum class State { kHandshake, kReading, kBusy, kWriting, kPushing, kDraining, kClosed };

  // Bytes moved since the start of a window, to tell slow peers from dead ones.
  struct ProgressWindow {
    int64_t end_ns = 0;
    uint64_t bytes_at_start = 0;
  };

  void Progress();
  void ShakeHands();
  // False while it waits for more bytes; true when the state has changed.
  bool ReadRequest();
  // Feeds the parser, dispatches when a request is complete and keeps what follows it.
  void Feed(std::string_view bytes);
  void FeedLeftover();
  // These are false when the connection has been answered for good.
  bool OnHead();
  bool AccountBody();
  void Dispatch();
  void SubmitToPool();
  std::shared_ptr<Exchange> MakeExchange(const std::shared_ptr<const Route>& route);
  // The worker has given transport and output back.
  void TakeBack();
  bool WatchIfMoreWaits();
  void FlushOutput();
  void AfterOutput();
  void PumpPush();
  void DrainInput();
  void EndExchange();
  void NextRequest();
  void Answer(int status, std::string_view detail);
  void SendAndClose(std::string bytes);
  void SendBusy();
  void Drain();
  void Close();
  void StartWindow(std::chrono::milliseconds length, uint64_t bytes_now);
  void CheckReadDeadline(int64_t now);
  void CheckBusyDeadline(int64_t now);
  void CheckWriteDeadline(int64_t now);
  size_t MaxBody(const Route& route) const;

  const uint64_t id_;
  ServerShared* const shared_;
  ConnectionHost* const host_;
  const std::string remote_addr_;

  Transport transport_;
  OutputQueue output_;
  RequestParser parser_;
  // Read beyond the end of the last request.
  std::string leftover_;
  State state_;
  Router::Match match_;
  std::shared_ptr<Exchange> exchange_;
  // The exchange waits for its first thread, not for a client.
  bool queued_first_ = false;
  bool keep_after_output_ = false;
  bool readable_ = true;
  bool peer_done_ = false;  // has closed its side, or all of it
  bool gone_ = false;       // reset, or closed both ways
  size_t accounted_body_ = 0;
  int64_t deadline_ns_ = 0;
  bool request_begun_ = false;
  ProgressWindow window_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_CONNECTION_H_
