// Transport: one accepted socket, plain or TLS, non-blocking. OutputQueue: bytes on their way to
// it.
//
// Both are used by one thread at a time: the event loop, or the worker that answers the request of
// the connection (see connection.h for who holds it when).
#ifndef DEUCALION_SERVER_HTTP_TRANSPORT_H_
#define DEUCALION_SERVER_HTTP_TRANSPORT_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

struct iovec;
struct ssl_st;

namespace deucalion::http {

class TlsContext;

// An owned file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd() { Reset(); }
  void Reset();
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

enum class IoState { kOk, kBlocked, kEof, kError };

struct IoResult {
  IoState state = IoState::kOk;
  size_t bytes = 0;
  // The socket had no more than this: the next read would block.
  bool drained = false;
};

class Transport {
 public:
  // `tls` may be null: plain.
  Transport(UniqueFd fd, std::shared_ptr<TlsContext> tls);
  ~Transport();

  int fd() const { return fd_.get(); }
  bool tls() const { return ssl_ != nullptr; }
  // kOk when done; at once for plain sockets.
  IoState Handshake();
  IoResult Read(char* buffer, size_t size);
  // May take less than given.
  IoResult Write(const iovec* pieces, int count);
  // No more output; the peer sees an end.
  void ShutdownWrite();

 private:
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };

  IoState AfterSsl(int result);
  IoResult WriteTls(const iovec* pieces, int count);

  UniqueFd fd_;
  std::shared_ptr<TlsContext> context_;
  std::unique_ptr<ssl_st, SslDeleter> ssl_;
};

// What was said but not yet taken by the socket. Strings are moved in, never copied.
class OutputQueue {
 public:
  void Push(std::string piece);
  size_t pending_bytes() const { return pending_; }
  uint64_t taken_bytes() const { return taken_; }
  // kOk when all is gone, kBlocked when the socket is full.
  IoState Flush(Transport* transport);
  void Clear();

 private:
  std::deque<std::string> pieces_;
  size_t front_offset_ = 0;
  size_t pending_ = 0;
  uint64_t taken_ = 0;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_TRANSPORT_H_
