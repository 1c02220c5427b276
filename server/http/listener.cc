#include "server/http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <memory>

namespace deucalion::http {
namespace {

constexpr int kBacklog = 1024;

struct HostPort {
  std::string host;
  std::string port;
};

// Go's net.SplitHostPort.
Result<HostPort> SplitHostPort(std::string_view address) {
  const auto fail = [&](std::string_view why) {
    return InvalidArgumentError("address " + std::string(address) + ": " + std::string(why));
  };
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return fail("missing port in address");
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return fail("missing ']' in address");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail("too many colons in address");
  }
  return HostPort{std::string(host), std::string(address.substr(colon + 1))};
}

std::string ErrorText(int error_number) {
  switch (error_number) {
    case EADDRINUSE:
      return "address already in use";
    case EACCES:
      return "permission denied";
    case EADDRNOTAVAIL:
      return "cannot assign requested address";
    default:
      return strerror(error_number);
  }
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressList> Resolve(const std::string& address, const HostPort& at) {
  addrinfo hints{};
  hints.ai_family = at.host.empty() ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const char* host = at.host.empty() ? nullptr : at.host.c_str();
  const char* port = at.port.empty() ? "0" : at.port.c_str();
  const int result = getaddrinfo(host, port, &hints, &list);
  if (result != 0) {
    return InvalidArgumentError("listen tcp: lookup " + address + ": " + gai_strerror(result));
  }
  return AddressList(list, &freeaddrinfo);
}

Result<Listener> Bind(const std::string& address, const addrinfo& info) {
  const auto fail = [&](std::string_view call) {
    return IoError("listen tcp " + address + ": " + std::string(call) + ": " + ErrorText(errno));
  };
  UniqueFd fd(::socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return fail("socket");
  const int on = 1;
  const int off = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (info.ai_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (::bind(fd.get(), info.ai_addr, info.ai_addrlen) != 0) return fail("bind");
  if (::listen(fd.get(), kBacklog) != 0) return fail("listen");
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return fail("getsockname");
  }
  Listener listener;
  listener.fd = std::move(fd);
  listener.address = FormatAddress(reinterpret_cast<const sockaddr*>(&bound));
  listener.port =
      ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                                        : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
  return listener;
}

}  // namespace

Result<Listener> Listen(const std::string& address) {
  auto at = SplitHostPort(address);
  if (!at.ok()) return at.TakeStatus().WithContext("listen tcp");
  auto list = Resolve(address, *at);
  if (!list.ok() && at->host.empty()) {
    at->host = "0.0.0.0";  // A machine without IPv6.
    list = Resolve(address, *at);
  }
  if (!list.ok()) return list.TakeStatus();
  Result<Listener> listener = InternalError("listen tcp " + address + ": no address");
  for (const addrinfo* info = list->get(); info != nullptr; info = info->ai_next) {
    listener = Bind(address, *info);
    if (listener.ok()) return listener;
  }
  if (at->host.empty()) return Listen("0.0.0.0:" + at->port);
  return listener;
}

std::string FormatAddress(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(in->sin_port));
  }
  if (address->sa_family != AF_INET6) return "";
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address);
  const std::string port = ":" + std::to_string(ntohs(in6->sin6_port));
  if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
    inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], text, sizeof(text));
    return text + port;
  }
  inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
  return "[" + std::string(text) + "]" + port;
}

}  // namespace deucalion::http
