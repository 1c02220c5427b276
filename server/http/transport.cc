#include "server/http/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "server/http/tls_internal.h"

namespace deucalion::http {
namespace {

// One TLS record: below this, head and body are joined to go out as one.
constexpr size_t kTlsRecordBytes = 16 << 10;
constexpr int kMaxPieces = 16;

IoState FromErrno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return IoState::kBlocked;
  return IoState::kError;
}

constexpr std::string_view kPlainOnTls =
    "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void UniqueFd::Reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Transport::SslDeleter::operator()(ssl_st* ssl) const { SSL_free(ssl); }

Transport::Transport(UniqueFd fd, std::shared_ptr<TlsContext> tls)
    : fd_(std::move(fd)), context_(std::move(tls)) {
  if (context_ == nullptr) return;
  ssl_.reset(SSL_new(context_->get()));
  if (ssl_ == nullptr) return;
  SSL_set_fd(ssl_.get(), fd_.get());
  SSL_set_accept_state(ssl_.get());
}

Transport::~Transport() {
  // One attempt to say goodbye; nobody waits for the answer.
  if (ssl_ != nullptr && SSL_is_init_finished(ssl_.get())) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

IoState Transport::Handshake() {
  if (context_ == nullptr) return IoState::kOk;
  if (ssl_ == nullptr) return IoState::kError;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return IoState::kOk;
  const unsigned long error = ERR_peek_error();
  const IoState state = AfterSsl(result);
  if (state == IoState::kError && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST) {
    ::send(fd(), kPlainOnTls.data(), kPlainOnTls.size(), MSG_NOSIGNAL);
  }
  return state;
}

IoState Transport::AfterSsl(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return IoState::kOk;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return IoState::kBlocked;
    case SSL_ERROR_ZERO_RETURN:
      return IoState::kEof;
    default:
      ERR_clear_error();
      return IoState::kError;
  }
}

IoResult Transport::Read(char* buffer, size_t size) {
  if (ssl_ == nullptr) {
    const ssize_t n = ::recv(fd(), buffer, size, 0);
    if (n < 0) return {.state = FromErrno()};
    if (n == 0) return {.state = IoState::kEof};
    const auto bytes = static_cast<size_t>(n);
    return {.bytes = bytes, .drained = bytes < size};
  }
  ERR_clear_error();
  const int n = SSL_read(ssl_.get(), buffer, static_cast<int>(size));
  if (n > 0) return {.bytes = static_cast<size_t>(n)};
  return {.state = AfterSsl(n)};
}

IoResult Transport::Write(const iovec* pieces, int count) {
  if (ssl_ != nullptr) return WriteTls(pieces, count);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<size_t>(count);
  const ssize_t n = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
  if (n < 0) return {.state = FromErrno()};
  return {.bytes = static_cast<size_t>(n)};
}

IoResult Transport::WriteTls(const iovec* pieces, int count) {
  std::string joined;
  const char* data = static_cast<const char*>(pieces[0].iov_base);
  size_t size = pieces[0].iov_len;
  if (count > 1 && size < kTlsRecordBytes) {
    for (int i = 0; i < count && joined.size() < kTlsRecordBytes; ++i) {
      const size_t take = std::min(pieces[i].iov_len, kTlsRecordBytes - joined.size());
      joined.append(static_cast<const char*>(pieces[i].iov_base), take);
    }
    data = joined.data();
    size = joined.size();
  }
  ERR_clear_error();
  const int n = SSL_write(ssl_.get(), data, static_cast<int>(std::min<size_t>(size, 1 << 30)));
  if (n > 0) return {.bytes = static_cast<size_t>(n)};
  const IoState state = AfterSsl(n);
  return {.state = state == IoState::kEof ? IoState::kError : state};
}

void Transport::ShutdownWrite() {
  if (ssl_ != nullptr && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(fd(), SHUT_WR);
}

void OutputQueue::Push(std::string piece) {
  if (piece.empty()) return;
  pending_ += piece.size();
  pieces_.push_back(std::move(piece));
}

IoState OutputQueue::Flush(Transport* transport) {
  while (!pieces_.empty()) {
    iovec vectors[kMaxPieces];
    int count = 0;
    size_t offset = front_offset_;
    for (auto it = pieces_.begin(); it != pieces_.end() && count < kMaxPieces; ++it) {
      vectors[count++] = {it->data() + offset, it->size() - offset};
      offset = 0;
    }
    const IoResult result = transport->Write(vectors, count);
    if (result.state != IoState::kOk) return result.state;
    taken_ += result.bytes;
    pending_ -= result.bytes;
    front_offset_ += result.bytes;
    while (!pieces_.empty() && front_offset_ >= pieces_.front().size()) {
      front_offset_ -= pieces_.front().size();
      pieces_.pop_front();
    }
  }
  return IoState::kOk;
}

void OutputQueue::Clear() {
  pieces_.clear();
  front_offset_ = 0;
  pending_ = 0;
}

}  // namespace deucalion::http
