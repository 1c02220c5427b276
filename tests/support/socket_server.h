// SocketServer: a TCP server on 127.0.0.1 whose behaviour is one function per connection. For
// testing clients against servers that misbehave. Stops in its destructor: connections are shut
// down, so handlers that wait in Read or Write return.
#ifndef DEUCALION_TESTS_SUPPORT_SOCKET_SERVER_H_
#define DEUCALION_TESTS_SUPPORT_SOCKET_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace deucalion {

class SocketServer {
 public:
  // One accepted connection, used by its handler only.
  class Connection {
   public:
    explicit Connection(int fd) : fd_(fd) {}

    // Up to and with the blank line behind the request headers; "" when the peer closed.
    std::string ReadRequest() {
      std::string request;
      char c;
      while (!request.ends_with("\r\n\r\n")) {
        if (recv(fd_, &c, 1, 0) != 1) return "";
        request.push_back(c);
      }
      return request;
    }
    std::string ReadBytes(size_t n) {
      std::string bytes(n, '\0');
      const ssize_t got = recv(fd_, bytes.data(), n, MSG_WAITALL);
      bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
      return bytes;
    }
    // False when the peer is gone.
    bool Write(std::string_view bytes) {
      while (!bytes.empty()) {
        const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(n));
      }
      return true;
    }
    // Waits until the peer closes (or `timeout_ms` passed: true then).
    bool WaitForClose(int timeout_ms) {
      pollfd p{.fd = fd_, .events = POLLRDHUP, .revents = 0};
      return poll(&p, 1, timeout_ms) == 0;
    }
    // A reset instead of an orderly end.
    void ResetOnClose() {
      const linger l{.l_onoff = 1, .l_linger = 0};
      setsockopt(fd_, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
    }
    void CloseWrite() { shutdown(fd_, SHUT_WR); }

   private:
    const int fd_;
  };
  using Handler = std::function<void(Connection&)>;

  explicit SocketServer(Handler handler) : handler_(std::move(handler)) {
    listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    listen(listen_fd_, 1024);
    socklen_t size = sizeof(address);
    getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }

  ~SocketServer() {
    stopping_ = true;
    shutdown(listen_fd_, SHUT_RDWR);
    acceptor_.join();
    {
      std::lock_guard<std::mutex> lock(mu_);
      for (int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& t : threads_) t.join();
    close(listen_fd_);
  }

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string Url(std::string_view path = "/metrics") const {
    return "http://" + address() + std::string(path);
  }
  int connections() const { return connections_; }

 private:
  void Accept() {
    for (;;) {
      const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0 || stopping_) {
        if (fd >= 0) close(fd);
        return;
      }
      ++connections_;
      std::lock_guard<std::mutex> lock(mu_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd] {
        Connection connection(fd);
        handler_(connection);
        std::lock_guard<std::mutex> done(mu_);
        std::erase(open_, fd);
        close(fd);
      });
    }
  }

  const Handler handler_;
  int listen_fd_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::mutex mu_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

inline std::string HttpReply(std::string_view status, std::string_view body,
                             std::string_view extra_headers = "") {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(extra_headers) + "\r\n" + std::string(body);
}

}  // namespace deucalion

#endif  // DEUCALION_TESTS_SUPPORT_SOCKET_SERVER_H_
