#include "bench/load/http_sender.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace deucalion::bench {

HttpSender::HttpSender(uint16_t port, std::string path) : port_(port), path_(std::move(path)) {}

HttpSender::~HttpSender() {
  if (fd_ >= 0) ::close(fd_);
}

Status HttpSender::Connect() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    ::close(std::exchange(fd_, -1));
    return ErrnoError("connect", error);
  }
  const int one = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return OkStatus();
}

Status HttpSender::SendAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return ErrnoError("send", errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return OkStatus();
}

Result<int> HttpSender::ReadAnswer() {
  buffer_.clear();
  size_t head_end = std::string::npos;
  size_t want = 0;
  for (;;) {
    if (head_end == std::string::npos &&
        (head_end = buffer_.find("\r\n\r\n")) != std::string::npos) {
      const size_t at = buffer_.find("Content-Length: ");
      const size_t length =
          at < head_end ? std::strtoul(buffer_.c_str() + at + 16, nullptr, 10) : 0;
      want = head_end + 4 + length;
    }
    if (head_end != std::string::npos && buffer_.size() >= want) break;
    char piece[4096];
    const ssize_t n = ::recv(fd_, piece, sizeof(piece), 0);
    if (n <= 0) return IoError("the server closed the connection");
    buffer_.append(piece, static_cast<size_t>(n));
  }
  return std::atoi(buffer_.c_str() + sizeof("HTTP/1.1 ") - 1);
}

Result<int> HttpSender::Post(std::string_view body) {
  if (fd_ < 0) RETURN_IF_ERROR(Connect());
  std::string request = "POST " + path_ +
                        " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
                        "Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n"
                        "Content-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n";
  request += body;
  Status sent = SendAll(request);
  Result<int> status = sent.ok() ? ReadAnswer() : Result<int>(sent);
  if (!status.ok()) ::close(std::exchange(fd_, -1));
  return status;
}

}  // namespace deucalion::bench
