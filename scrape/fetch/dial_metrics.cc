#include "scrape/fetch/dial_metrics.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

namespace deucalion::scrape {
namespace {

constexpr std::array<const char*, kDialFailures> kReasons = {"refused", "resolution", "timeout",
                                                             "unknown"};

// Whether the other side has ever acknowledged anything of ours: the SYN is the first.
bool WasConnected(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
      size >= offsetof(tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked)) {
    return info.tcpi_bytes_acked > 0;
  }
  // A unix socket.
  sockaddr_storage peer{};
  size = sizeof(peer);
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

}  // namespace

void Dialer::CountRequest(size_t opened, size_t connected, bool failed_to_connect,
                          DialFailure reason) const {
  // Several addresses may have been tried for one connection.
  const size_t dials =
      std::max(connected + (failed_to_connect ? 1 : 0), std::min<size_t>(opened, connected + 1));
  if (dials == 0) return;
  attempted->Add(static_cast<double>(dials));
  established->Add(static_cast<double>(connected));
  if (dials > connected && failed_to_connect) failed[static_cast<size_t>(reason)]->Increment();
}

void Dialer::CountClose(int fd) const {
  if (WasConnected(fd)) closed->Increment();
}

DialMetrics::DialMetrics(MetricRegistry* registry)
    : attempted_(registry->AddCounterFamily(
          "net_conntrack_dialer_conn_attempted_total",
          "Total number of connections attempted by the given dialer a given name.",
          {"dialer_name"})),
      established_(registry->AddCounterFamily(
          "net_conntrack_dialer_conn_established_total",
          "Total number of connections successfully established by the given dialer a given name.",
          {"dialer_name"})),
      closed_(registry->AddCounterFamily(
          "net_conntrack_dialer_conn_closed_total",
          "Total number of connections closed which originated from the dialer of a given name.",
          {"dialer_name"})),
      failed_(registry->AddCounterFamily(
          "net_conntrack_dialer_conn_failed_total",
          "Total number of connections failed to dial by the dialer a given name.",
          {"dialer_name", "reason"})) {}

const Dialer* DialMetrics::Of(const std::string& name) {
  MutexLock lock(mu_);
  std::unique_ptr<const Dialer>& known = dialers_[name];
  if (known == nullptr) {
    auto dialer = std::make_unique<Dialer>();
    dialer->attempted = attempted_->With({name});
    dialer->established = established_->With({name});
    dialer->closed = closed_->With({name});
    for (size_t i = 0; i < kDialFailures; i++) {
      dialer->failed[i] = failed_->With({name, kReasons[i]});
    }
    known = std::move(dialer);
  }
  return known.get();
}

}  // namespace deucalion::scrape
