// Listening sockets, and addresses as text.
#ifndef DEUCALION_SERVER_HTTP_LISTENER_H_
#define DEUCALION_SERVER_HTTP_LISTENER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "server/http/transport.h"

struct sockaddr;

namespace deucalion::http {

struct Listener {
  UniqueFd fd;
  uint16_t port = 0;
  std::string address;  // as bound: "127.0.0.1:9090", "[::]:9090"
};

// Binds `address` ("host:port", ":port", "[v6]:port"). Error texts are those of Go's net.Listen:
// "listen tcp 0.0.0.0:9090: bind: address already in use".
Result<Listener> Listen(const std::string& address);

// "10.0.0.1:4711", "[::1]:4711"; IPv4 in IPv6 shows as IPv4.
std::string FormatAddress(const sockaddr* address);

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_LISTENER_H_
