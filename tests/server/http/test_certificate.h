// Certificates made on the spot, and a blocking TLS client, for tests.
#ifndef DEUCALION_TESTS_SERVER_HTTP_TEST_CERTIFICATE_H_
#define DEUCALION_TESTS_SERVER_HTTP_TEST_CERTIFICATE_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"

namespace deucalion::http {

struct TestCertificate {
  std::string cert_pem;
  std::string key_pem;
};

inline std::string TakePem(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

// Self-signed, P-256, valid for a day. `san` is "DNS:name" or "".
inline TestCertificate MakeTestCertificate(const std::string& name, const std::string& san = "") {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert), 86'400);
  X509_set_pubkey(cert, key);
  X509_NAME* subject = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(cert, subject);
  if (!san.empty()) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, san.c_str());
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
  }
  CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
  TestCertificate out;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, cert);
  out.cert_pem = TakePem(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  out.key_pem = TakePem(bio);
  X509_free(cert);
  EVP_PKEY_free(key);
  return out;
}

// Trusts everyone; shows `certificate` when it has one.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port, const TestCertificate& certificate = {},
                     int max_version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
        ssl_(nullptr, &SSL_free),
        fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    SSL_CTX_set_security_level(context_.get(), 0);
    if (!certificate.cert_pem.empty()) Use(certificate);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  ~TlsClient() {
    ssl_.reset();
    ::close(fd_);
  }
  TlsClient(const TlsClient&) = delete;

  bool connected() const { return connected_; }
  int fd() const { return fd_; }
  // Common name the server has shown.
  std::string PeerName() const {
    X509* cert = SSL_get1_peer_certificate(ssl_.get());
    if (cert == nullptr) return "";
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
    X509_free(cert);
    return name;
  }
  // Sends and reads until the server closes or `end` has come.
  std::string Ask(std::string_view request, std::string_view end) {
    std::string out;
    if (!connected_ ||
        SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) <= 0) {
      return out;
    }
    char buffer[65536];
    while (out.find(end) == std::string::npos) {
      const int n = SSL_read(ssl_.get(), buffer, sizeof(buffer));
      if (n <= 0) break;
      out.append(buffer, static_cast<size_t>(n));
    }
    return out;
  }

 private:
  void Use(const TestCertificate& certificate) {
    BIO* bio = BIO_new_mem_buf(certificate.cert_pem.data(), -1);
    X509* cert = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(certificate.key_pem.data(), -1);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    SSL_CTX_use_certificate(context_.get(), cert);
    SSL_CTX_use_PrivateKey(context_.get(), key);
    X509_free(cert);
    EVP_PKEY_free(key);
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  int fd_;
  bool connected_ = false;
};

}  // namespace deucalion::http

#endif  // DEUCALION_TESTS_SERVER_HTTP_TEST_CERTIFICATE_H_
