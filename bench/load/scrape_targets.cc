// scrape_targets: many targets to be scraped, in one cheap process on this machine.
//
//   scrape_targets --port=20000 --targets=50 --series=2000 --seed=1
//
// Target i listens on 127.0.0.1, port + i, and answers every request with the next values of its
// series in the text format, with HELP and TYPE per metric as exporters write them. Prints "ready"
// when all listen, and runs until it is killed. One thread, keep-alive, uncompressed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "bench/load/generator.h"

namespace deucalion::bench {
namespace {

struct Line {
  std::string head;  // HELP and TYPE when a metric begins here, then name and labels
  GeneratedSeries series;
};
struct Target {
  int listener = -1;
  std::vector<Line> lines;
};
struct Connection {
  size_t target = 0;
  std::string in;
};

std::vector<Line> MakeLines(uint64_t seed, uint32_t first, uint32_t count) {
  // By metric, as exporters list them.
  std::map<std::string, std::vector<GeneratedSeries>> by_metric;
  for (uint32_t i = first; i < first + count; i++) {
    GeneratedSeries s = MakeSeries(seed, i, 0);
    // One target has the series of several owners: the first of them names all metrics.
    const std::string text = TextLabels(s);
    by_metric[text.substr(0, text.find('{'))].push_back(std::move(s));
  }
  std::vector<Line> lines;
  for (auto& [metric, all] : by_metric) {
    const bool counter = metric.ends_with("_total");
    std::string head = "# HELP " + metric +
                       " Generated, as an exporter would describe it.\n# TYPE " + metric +
                       (counter ? " counter\n" : " gauge\n");
    uint32_t n = 0;
    for (GeneratedSeries& s : all) {
      std::string labels = TextLabels(s);
      // The same label set may come from two owners.
      labels.insert(labels.size() - 1, ",id=\"" + std::to_string(n++) + "\"");
      lines.push_back({head + labels + " ", std::move(s)});
      lines.back().series.labels.clear();
      head.clear();
    }
  }
  return lines;
}

std::string Body(Target* target) {
  std::string body;
  body.reserve(target->lines.size() * 160);
  for (Line& line : target->lines) {
    body += line.head;
    char number[40];
    const auto end = std::to_chars(number, number + sizeof(number), line.series.Next());
    *end.ptr = '\n';
    body.append(number, end.ptr + 1);
  }
  return body;
}

bool SendAll(int fd, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

int Listen(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd, 16) != 0) {
    std::fprintf(stderr, "scrape_targets: port %u: %s\n", port, std::strerror(errno));
    std::exit(1);
  }
  return fd;
}

// Answers what has arrived whole. False: the connection is over.
bool Serve(int fd, Connection* connection, std::vector<Target>* targets) {
  char piece[8192];
  const ssize_t n = ::recv(fd, piece, sizeof(piece), 0);
  if (n <= 0) return false;
  connection->in.append(piece, static_cast<size_t>(n));
  for (size_t end; (end = connection->in.find("\r\n\r\n")) != std::string::npos;) {
    connection->in.erase(0, end + 4);
    const std::string body = Body(&(*targets)[connection->target]);
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n";
    if (!SendAll(fd, head + body)) return false;
  }
  return true;
}

int Main(int argc, char** argv) {
  std::map<std::string, int64_t> settings = {
      {"port", 20000}, {"targets", 50}, {"series", 2000}, {"seed", 1}};
  for (int i = 1; i < argc; i++) {
    const std::string arg = argv[i];
    const size_t equals = arg.find('=');
    const std::string name = arg.substr(2, equals - 2);
    if (!arg.starts_with("--") || equals == std::string::npos || !settings.contains(name)) {
      std::fprintf(stderr, "scrape_targets: unknown argument %s\n", argv[i]);
      return 2;
    }
    settings[name] = std::atoll(arg.c_str() + equals + 1);
  }
  const auto series = static_cast<uint32_t>(settings["series"]);
  std::vector<Target> targets(static_cast<size_t>(settings["targets"]));
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::map<int, size_t> listeners;
  for (size_t t = 0; t < targets.size(); t++) {
    targets[t].lines = MakeLines(static_cast<uint64_t>(settings["seed"]),
                                 static_cast<uint32_t>(t) * series, series);
    targets[t].listener = Listen(static_cast<uint16_t>(settings["port"] + static_cast<int64_t>(t)));
    listeners[targets[t].listener] = t;
    epoll_event event{.events = EPOLLIN, .data = {.fd = targets[t].listener}};
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, targets[t].listener, &event);
  }
  std::puts("ready");
  std::fflush(stdout);
  std::map<int, Connection> connections;
  for (;;) {
    epoll_event events[64];
    const int n = ::epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < n; i++) {
      const int fd = events[i].data.fd;
      if (const auto it = listeners.find(fd); it != listeners.end()) {
        const int accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) continue;
        const int one = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        connections[accepted].target = it->second;
        epoll_event event{.events = EPOLLIN, .data = {.fd = accepted}};
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
      } else if (!Serve(fd, &connections[fd], &targets)) {
        connections.erase(fd);
        ::close(fd);
      }
    }
  }
}

}  // namespace
}  // namespace deucalion::bench

int main(int argc, char** argv) { return deucalion::bench::Main(argc, argv); }
