// The HTTP server with handlers that do nothing, for wrk:
//   http_bench_server 9191 & wrk -t1 -c8 -d5s http://127.0.0.1:9191/pool
// Paths: /inline (answered on the event loop), /pool (through a worker), /json (600 KB from
// memory), /big (100 MiB streamed), POST /write (body read and dropped). Ends on SIGTERM.
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "server/http/server.h"

namespace {

using namespace deucalion;        // NOLINT: a program of one file
using namespace deucalion::http;  // NOLINT

class BigBody : public BodySource {
 public:
  Result<bool> Next(std::string* out) override {
    constexpr size_t kPieceBytes = 64 << 10;
    out->append(kPieceBytes, 'x');
    left_ -= kPieceBytes;
    return left_ > 0;
  }

 private:
  size_t left_ = 100 << 20;
};

void Register(Router* router) {
  const auto small = [](Request&, Response* response) {
    response->SetBody("Prometheus Server is Healthy.\n", "text/plain; charset=utf-8");
  };
  router->Get("/inline", small, {.pool = PoolClass::kInline});
  router->Get("/pool", small, {.pool = PoolClass::kQuery});
  router->Get("/json",
              [](Request&, Response* response) {
                response->SetBody(std::string(600'000, 'a'), "application/json");
              },
              {.compress = false});
  router->Get("/big",
              [](Request&, Response* response) { response->source = std::make_unique<BigBody>(); },
              {.compress = false});
  router->Post("/write", [](Request&, Response* response) { response->status = 204; },
               {.pool = PoolClass::kIngest});
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigaddset(&end, SIGINT);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  Router router;
  Register(&router);
  MetricRegistry metrics;
  ServerOptions options;
  options.listen_addresses = {std::string("127.0.0.1:") + (argc > 1 ? argv[1] : "9191")};
  options.max_connections = 10'000;
  Server server(options, &router, &metrics, Logger::Null());
  const Status started = server.Start();
  if (!started.ok()) {
    std::fprintf(stderr, "%s\n", started.message().c_str());
    return 1;
  }
  int signal = 0;
  sigwait(&end, &signal);
  server.Stop(std::chrono::milliseconds(1000));
  return 0;
}
