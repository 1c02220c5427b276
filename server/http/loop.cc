#include "server/http/loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

namespace deucalion::http {
namespace {

constexpr int kMaxEvents = 256;
constexpr int64_t kNsPerMs = 1'000'000;

// Values of epoll_event.data below the first connection id.
constexpr uint64_t kMailTag = 0;
constexpr uint64_t kListenerTag = 1;
constexpr uint64_t kFirstConnectionId = 16;

// How long the loop may be in one request, at least; twice this at most.
constexpr std::chrono::milliseconds kReliefTick{1};
// Requests further apart come alone.
constexpr int64_t kAloneNs = 1 * kNsPerMs;

// A quarter of the shortest deadline, at most a second.
int64_t SweepInterval(const ServerOptions& options) {
  const Timeouts& t = options.timeouts;
  const auto shortest =
      std::min({t.tls_handshake, t.header, t.read, t.body_progress, t.write_progress,
                options.ingest.max_wait, options.query.max_wait, options.admin.max_wait});
  return std::clamp<int64_t>(std::chrono::nanoseconds(shortest).count() / 4, 5 * kNsPerMs,
                             1000 * kNsPerMs);
}

}  // namespace

Loop::Loop(ServerShared* shared)
    : shared_(shared),
      mailbox_(std::make_shared<Mailbox>()),
      scratch_(new char[kScratchBytes]),
      sweep_ns_(SweepInterval(shared->options)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      next_id_(kFirstConnectionId),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {}

Loop::~Loop() { Join(); }

void Loop::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

Status Loop::Accept(std::vector<Loop*> peers, std::vector<Listener>* listeners) {
  peers_ = std::move(peers);
  listeners_ = listeners;
  for (Loop* peer : peers_) peer->acceptor_ = this;
  for (const Listener& listener : *listeners) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kListenerTag}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener.fd.get(), &event) != 0) {
      return ErrnoError("watching a listener", errno);
    }
  }
  return OkStatus();
}

Status Loop::Start() {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kMailTag}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, mailbox_->fd(), &event) != 0) {
    return ErrnoError("starting an HTTP event loop", errno);
  }
  last_sweep_ns_ = Clock::Real()->MonotonicNs();
  ended_.store(false);
  threads_[0] = std::thread([this] { ThreadMain(true); });
  threads_[1] = std::thread([this] { ThreadMain(false); });
  return OkStatus();
}

Connection* Loop::Find(uint64_t id) {
  const auto it = connections_.find(id);
  return it == connections_.end() ? nullptr : it->second.get();
}

template <typename Fn>
void Loop::Touch(uint64_t id, Fn fn) {
  Connection* connection = Find(id);
  if (connection == nullptr) return;
  fn(*connection);
  if (connection->closed()) Bury(id);
}

template <typename Fn>
void Loop::TouchAll(Fn fn) {
  std::vector<uint64_t> closed;
  for (const auto& [id, connection] : connections_) {
    fn(*connection);
    if (connection->closed()) closed.push_back(id);
  }
  for (const uint64_t id : closed) Bury(id);
}

void Loop::Bury(uint64_t id) {
  connections_.erase(id);
  shared_->metrics->ConnectionClosed();
  const size_t before = shared_->open_connections.fetch_sub(1);
  if (before < shared_->options.max_connections) return;
  if (acceptor_ == this) {
    PauseAccepting(false);
  } else {
    acceptor_->PostRoom();
  }
}

void Loop::PostStopping() {
  mailbox_->PostTask([this] {
    stopping_ = true;
    StopAccepting();
    TouchAll([](Connection& connection) { connection.OnStopping(); });
  });
}

void Loop::PostKill() {
  mailbox_->PostTask([this] { TouchAll([](Connection& connection) { connection.Kill(); }); });
}

void Loop::PostRoom() {
  mailbox_->PostTask([this] { PauseAccepting(false); });
}

int Loop::WaitMs() const {
  if (!yielded_.empty() || !ready_.empty()) return 0;
  if (connections_.empty() && !accept_failed_) return -1;
  const int64_t left = last_sweep_ns_ + sweep_ns_ - now_ns_;
  return static_cast<int>(std::max<int64_t>(left, 0) / kNsPerMs) + 1;
}

void Loop::ThreadMain(bool is_loop) {
  pthread_setname_np(pthread_self(), "http-loop");
  while (is_loop || WaitToRelieve()) {
    if (Run()) break;
    is_loop = false;
  }
}

bool Loop::WaitToRelieve() {
  relief_there_.store(true);
  uint64_t seen = 0;
  while (!ended_.load()) {
    uint64_t fired = 0;
    [[maybe_unused]] const ssize_t n = ::read(timer_.get(), &fired, sizeof(fired));
    timer_set_.store(false);
    uint64_t now = running_.load();
    if (now != 0) {
      if (now == seen && running_.compare_exchange_strong(now, 0)) {
        relief_there_.store(false);
        return true;
      }
      SetTimer(kReliefTick);
    }
    seen = now;
  }
  return false;
}

void Loop::SetTimer(std::chrono::nanoseconds after) {
  const bool stop = after.count() == 0;
  if (!stop) timer_set_.store(true);
  const itimerspec spec{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_nsec = after.count()}};
  ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
  // Last, lest the relief sets the timer in between and a stopped timer passes for one that runs.
  if (stop) timer_set_.store(false);
}

bool Loop::RunRequest(const std::shared_ptr<Exchange>& exchange) {
  running_connection_ = exchange->connection_id;
  uint64_t run = ++last_run_;
  running_.store(run);
  if (!timer_set_.load()) SetTimer(kReliefTick);
  exchange->Run();
  if (!running_.compare_exchange_strong(run, 0)) return false;
  Touch(running_connection_,
        [&](Connection& connection) { connection.OnExchange(exchange.get()); });
  return true;
}

bool Loop::RunRequests() {
  if (ready_.empty()) return true;
  const bool alone = now_ns_ - std::exchange(last_batch_ns_, now_ns_) > kAloneNs;
  // Requests that follow on the same connections wait until the others have been looked after.
  for (size_t left = ready_.size(); left > 0 && !ready_.empty(); --left) {
    const std::shared_ptr<Exchange> exchange = std::move(ready_.front());
    ready_.pop_front();
    ready_ns_ -= exchange->expected_ns;
    if (!relief_there_.load()) {  // the one before has taken the loop's thread with it
      Touch(exchange->connection_id, [](Connection& connection) { connection.OnNotRunHere(); });
      continue;
    }
    if (!RunRequest(exchange)) return false;
  }
  if (alone && timer_set_.load()) SetTimer({});
  return true;
}

bool Loop::Run() {
  const Clock* clock = Clock::Real();
  now_ns_ = clock->MonotonicNs();
  // When we are here in place of a thread that is in this connection's request.
  Touch(running_connection_, [](Connection& connection) { connection.OnHandedOver(); });
  epoll_event events[kMaxEvents];
  while (!stopping_ || !connections_.empty()) {
    const int n = ::epoll_wait(epoll_.get(), events, kMaxEvents, WaitMs());
    now_ns_ = clock->MonotonicNs();
    for (int i = 0; i < n; ++i) {
      const uint64_t tag = events[i].data.u64;
      const uint32_t flags = events[i].events;
      if (tag == kMailTag) {
        HandleMail();
      } else if (tag == kListenerTag) {
        AcceptAll();
      } else {
        Touch(tag, [flags](Connection& connection) { connection.OnEvents(flags); });
      }
    }
    for (const uint64_t id : std::exchange(yielded_, {})) {
      Touch(id, [](Connection& connection) { connection.Continue(); });
    }
    if (now_ns_ - last_sweep_ns_ >= sweep_ns_) Sweep();
    if (!RunRequests()) return false;
  }
  // The one who waits for the end may destroy this loop, but only after joining its threads.
  ended_.store(true);
  SetTimer(std::chrono::nanoseconds(1));
  on_end_();
  return true;
}

void Loop::HandleMail() {
  Mailbox::Mail mail = mailbox_->Collect();
  for (const auto& exchange : mail.exchanges) {
    Touch(exchange->connection_id,
          [&](Connection& connection) { connection.OnExchange(exchange.get()); });
  }
  for (const uint64_t id : mail.pushes) {
    Touch(id, [](Connection& connection) { connection.OnPush(); });
  }
  for (const auto& task : mail.tasks) task();
}

void Loop::Sweep() {
  last_sweep_ns_ = now_ns_;
  if (accept_failed_) {
    accept_failed_ = false;
    PauseAccepting(false);
  }
  TouchAll([](Connection& connection) { connection.CheckDeadlines(); });
}

// Beyond the limit connections wait in the backlog, unaccepted.
void Loop::PauseAccepting(bool paused) {
  if (listeners_ == nullptr || accepting_paused_ == paused) return;
  accepting_paused_ = paused;
  for (const Listener& listener : *listeners_) {
    epoll_event event{.events = paused ? 0u : static_cast<uint32_t>(EPOLLIN),
                      .data = {.u64 = kListenerTag}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener.fd.get(), &event);
  }
}

void Loop::StopAccepting() {
  if (listeners_ == nullptr) return;
  for (Listener& listener : *listeners_) listener.fd.Reset();
  listeners_ = nullptr;
  accept_failed_ = false;
}

void Loop::AcceptAll() {
  if (listeners_ == nullptr) return;
  for (Listener& listener : *listeners_) AcceptFrom(&listener);
}

void Loop::AcceptFrom(Listener* listener) {
  while (!accepting_paused_) {
    if (shared_->open_connections.load() >= shared_->options.max_connections) {
      PauseAccepting(true);
      return;
    }
    sockaddr_storage from{};
    socklen_t size = sizeof(from);
    UniqueFd fd(::accept4(listener->fd.get(), reinterpret_cast<sockaddr*>(&from), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.get() < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      // Out of descriptors or memory: the next sweep tries again.
      shared_->logger->Warn("accept failed", {{"err", strerror(errno)}});
      accept_failed_ = true;
      PauseAccepting(true);
      return;
    }
    shared_->metrics->ConnectionAccepted();
    std::shared_ptr<TlsContext> tls;
    if (shared_->options.tls) {
      auto made = shared_->options.tls();
      if (!made.ok() || *made == nullptr) {
        shared_->logger->Error("TLS configuration failed", {{"err", made.status()}});
        shared_->metrics->ConnectionClosed();
        continue;
      }
      tls = std::move(made).value();
    }
    shared_->open_connections.fetch_add(1);
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::string remote = FormatAddress(reinterpret_cast<const sockaddr*>(&from));
    Loop* peer = peers_[next_peer_++ % peers_.size()];
    if (peer == this) {
      Adopt(std::move(fd), std::move(tls), std::move(remote));
      continue;
    }
    // std::function wants a copyable task.
    auto shared_fd = std::make_shared<UniqueFd>(std::move(fd));
    peer->mailbox_->PostTask(
        [peer, shared_fd, tls, remote] { peer->Adopt(std::move(*shared_fd), tls, remote); });
  }
}

void Loop::Adopt(UniqueFd fd, std::shared_ptr<TlsContext> tls, std::string remote_addr) {
  const uint64_t id = next_id_++;
  const int raw_fd = fd.get();
  auto connection = std::make_unique<Connection>(id, shared_, this, std::move(fd), std::move(tls),
                                                 std::move(remote_addr));
  connections_.emplace(id, std::move(connection));
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u64 = id}};
  if (stopping_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, raw_fd, &event) != 0) {
    Bury(id);
    return;
  }
  // Bytes that came with the connection: the first event tells.
}

}  // namespace deucalion::http
