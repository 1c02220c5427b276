#include "server/http/server.h"

#include "server/http/dispatcher.h"
#include "server/http/engine.h"
#include "server/http/http_metrics.h"
#include "server/http/loop.h"

namespace deucalion::http {

struct Server::Impl {
  Impl(ServerOptions options, const Router* router, MetricRegistry* registry, Logger* logger)
      : metrics(registry, router->Labels()) {
    shared.options = std::move(options);
    shared.router = router;
    shared.logger = logger;
    shared.metrics = &metrics;
    shared.exchange_env = {
        .engine = &engine, .options = &shared.options, .logger = logger, .costs = &shared.costs};
  }

  void WaitForLoops(std::chrono::milliseconds deadline) EXCLUDES(mu);
  bool AllEnded() const;

  Engine engine;
  HttpMetrics metrics;
  ServerShared shared;
  std::vector<Listener> listeners;
  std::vector<uint16_t> ports;
  std::vector<std::unique_ptr<Loop>> loops;
  std::unique_ptr<Dispatcher> dispatcher;
  Mutex mu;
  CondVar loop_ended;
};

bool Server::Impl::AllEnded() const {
  return std::all_of(loops.begin(), loops.end(), [](const auto& loop) { return loop->Ended(); });
}

void Server::Impl::WaitForLoops(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  MutexLock lock(mu);
  while (!AllEnded()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) return;
    loop_ended.WaitFor(mu, until - now);
  }
}

Server::Server(ServerOptions options, const Router* router, MetricRegistry* registry,
               Logger* logger)
    : impl_(std::make_unique<Impl>(std::move(options), router, registry, logger)) {}

Server::~Server() { Stop(); }

Status Server::Start() {
  Impl& impl = *impl_;
  const ServerOptions& options = impl.shared.options;
  for (const std::string& address : options.listen_addresses) {
    ASSIGN_OR_RETURN(Listener listener, Listen(address));
    impl.shared.logger->Info("Listening on", {{"address", listener.address}});
    impl.ports.push_back(listener.port);
    impl.listeners.push_back(std::move(listener));
  }
  impl.dispatcher = std::make_unique<Dispatcher>(options);
  impl.shared.dispatcher = impl.dispatcher.get();
  std::vector<Loop*> peers;
  for (size_t i = 0; i < std::max<size_t>(options.io_threads, 1); ++i) {
    impl.loops.push_back(std::make_unique<Loop>(&impl.shared));
    peers.push_back(impl.loops.back().get());
    impl.loops.back()->set_on_end([&impl] {
      MutexLock lock(impl.mu);
      impl.loop_ended.NotifyAll();
    });
  }
  RETURN_IF_ERROR(peers[0]->Accept(peers, &impl.listeners));
  for (const auto& loop : impl.loops) RETURN_IF_ERROR(loop->Start());
  return OkStatus();
}

void Server::Stop(std::chrono::milliseconds deadline) {
  Impl& impl = *impl_;
  if (impl.loops.empty()) return;
  impl.shared.stopping.store(true);
  for (const auto& loop : impl.loops) loop->PostStopping();
  impl.WaitForLoops(deadline);
  for (const auto& loop : impl.loops) loop->PostKill();
  // A loop ends when no worker has anything of its connections any more.
  for (const auto& loop : impl.loops) loop->Join();
  impl.dispatcher.reset();
  impl.loops.clear();
}

std::vector<uint16_t> Server::ports() const { return impl_->ports; }
size_t Server::connections() const { return impl_->shared.open_connections.load(); }

}  // namespace deucalion::http
