// The OpenSSL side of TlsContext, for transport.cc and tls.cc only.
#ifndef DEUCALION_SERVER_HTTP_TLS_INTERNAL_H_
#define DEUCALION_SERVER_HTTP_TLS_INTERNAL_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

namespace deucalion::http {

class TlsContext {
 public:
  TlsContext(SSL_CTX* context, std::vector<std::string> allowed_sans)
      : context_(context, &SSL_CTX_free), allowed_sans_(std::move(allowed_sans)) {}

  SSL_CTX* get() const { return context_.get(); }
  const std::vector<std::string>& allowed_sans() const { return allowed_sans_; }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  const std::vector<std::string> allowed_sans_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_TLS_INTERNAL_H_
