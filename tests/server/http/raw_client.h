// A client that sends exactly the bytes it is told to, for tests of what well-behaved clients never
// do.
#ifndef DEUCALION_TESTS_SERVER_HTTP_RAW_CLIENT_H_
#define DEUCALION_TESTS_SERVER_HTTP_RAW_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"

namespace deucalion::http {

class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  ~RawClient() { Close(); }
  RawClient(const RawClient&) = delete;

  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // False when the peer has closed.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  // Reads until `marker` has been seen `count` times, the peer closes, or `ms` pass without a byte.
  std::string ReadUntil(std::string_view marker, int count = 1, int ms = 5000) {
    for (;;) {
      int seen = 0;
      for (size_t at = 0; (at = received_.find(marker, at)) != std::string::npos; at++) seen++;
      if (seen >= count) return received_;
      if (!ReadSome(ms)) return received_;
    }
  }
  std::string ReadToEnd(int ms = 5000) {
    while (ReadSome(ms)) {
    }
    return received_;
  }
  // False at the end of the stream, or when nothing came.
  bool ReadSome(int ms) {
    pollfd p{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&p, 1, ms) != 1) return false;
    char buf[65536];
    const ssize_t n = ::recv(fd_, buf, sizeof(buf), 0);
    closed_ = n <= 0;
    if (n > 0) received_.append(buf, static_cast<size_t>(n));
    return n > 0;
  }
  bool closed() const { return closed_; }
  void Forget() { received_.clear(); }

 private:
  int fd_;
  std::string received_;
  bool closed_ = false;
};

inline std::string GetRequest(std::string_view path, std::string_view extra_headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(extra_headers) +
         "\r\n";
}

}  // namespace deucalion::http

#endif  // DEUCALION_TESTS_SERVER_HTTP_RAW_CLIENT_H_
