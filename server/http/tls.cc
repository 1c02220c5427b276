#include "server/http/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>

#include "server/http/tls_internal.h"

namespace deucalion::http {
namespace {

struct NamePair {
  std::string_view go;
  std::string_view openssl;
};

// The suites Go's tls.CipherSuites() lists. Those of TLS 1.3 (empty) cannot be chosen, there as
// here.
constexpr std::array<NamePair, 13> kCipherSuites{{
    {"TLS_AES_128_GCM_SHA256", ""},
    {"TLS_AES_256_GCM_SHA384", ""},
    {"TLS_CHACHA20_POLY1305_SHA256", ""},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
}};

constexpr std::array<NamePair, 4> kCurves{{
    {"CurveP256", "P-256"},
    {"CurveP384", "P-384"},
    {"CurveP521", "P-521"},
    {"X25519", "X25519"},
}};

template <size_t n>
const NamePair* FindName(const std::array<NamePair, n>& table, std::string_view go) {
  for (const NamePair& pair : table) {
    if (pair.go == go) return &pair;
  }
  return nullptr;
}

Status SslError(std::string_view doing) {
  char text[256] = "unknown error";
  const unsigned long code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return InvalidArgumentError(std::string(doing) + ": " + text);
}

using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio MemoryBio(const std::string& bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())), &BIO_free_all);
}

std::vector<X509Ptr> ReadCertificates(const std::string& pem) {
  std::vector<X509Ptr> out;
  const Bio bio = MemoryBio(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    out.emplace_back(certificate, &X509_free);
  }
  ERR_clear_error();  // The last read always fails: end of file.
  return out;
}

// Never asks a terminal for the passphrase of an encrypted key.
int NoPassphrase(char*, int, int, void*) { return -1; }

Status UseCertificate(SSL_CTX* context, const TlsOptions& options) {
  const auto chain = ReadCertificates(options.cert_pem);
  if (chain.empty()) {
    return InvalidArgumentError(
        "failed to load X509KeyPair: tls: failed to find any PEM data in certificate input");
  }
  if (SSL_CTX_use_certificate(context, chain[0].get()) != 1) {
    return SslError("failed to load X509KeyPair");
  }
  for (size_t i = 1; i < chain.size(); ++i) SSL_CTX_add1_chain_cert(context, chain[i].get());
  const Bio bio = MemoryBio(options.key_pem);
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr),
                   &EVP_PKEY_free);
  if (key == nullptr) {
    ERR_clear_error();
    return InvalidArgumentError(
        "failed to load X509KeyPair: tls: failed to find any PEM data in key input");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return InvalidArgumentError(
        "failed to load X509KeyPair: tls: private key does not match public key");
  }
  return OkStatus();
}

bool SanMatches(const GENERAL_NAME* name, const std::vector<std::string>& allowed) {
  std::string text;
  const auto assign = [&text](const ASN1_STRING* s) {
    text.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)),
                static_cast<size_t>(ASN1_STRING_length(s)));
  };
  switch (name->type) {
    case GEN_DNS:
      assign(name->d.dNSName);
      break;
    case GEN_EMAIL:
      assign(name->d.rfc822Name);
      break;
    case GEN_URI:
      assign(name->d.uniformResourceIdentifier);
      break;
    case GEN_IPADD: {
      const int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
      char buffer[INET6_ADDRSTRLEN] = "";
      if (family == AF_INET6 && ASN1_STRING_length(name->d.iPAddress) != 16) return false;
      inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), buffer, sizeof(buffer));
      text = buffer;
      break;
    }
    default:
      return false;
  }
  return std::find(allowed.begin(), allowed.end(), text) != allowed.end();
}

bool LeafHasAllowedSan(X509* leaf, const std::vector<std::string>& allowed) {
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    found = found || SanMatches(sk_GENERAL_NAME_value(names, i), allowed);
  }
  GENERAL_NAMES_free(names);
  return found;
}

// `argument` is the TlsContext; `kVerify` says whether the chain counts.
template <bool kVerify>
int CheckClientCertificate(X509_STORE_CTX* store, void* argument) {
  const auto* context = static_cast<const TlsContext*>(argument);
  if (kVerify && X509_verify_cert(store) != 1) return 0;
  if (context->allowed_sans().empty()) return 1;
  if (LeafHasAllowedSan(X509_STORE_CTX_get0_cert(store), context->allowed_sans())) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

Status UseClientAuth(TlsContext* tls, const TlsOptions& options) {
  SSL_CTX* context = tls->get();
  const auto authorities = ReadCertificates(options.client_ca_pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& authority : authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) return SslError("loading client CA");
    SSL_CTX_add_client_CA(context, authority.get());
  }
  const bool verify = options.client_auth == ClientAuth::kVerifyIfGiven ||
                      options.client_auth == ClientAuth::kRequireAndVerify;
  const bool require = options.client_auth == ClientAuth::kRequireAny ||
                       options.client_auth == ClientAuth::kRequireAndVerify;
  if (options.client_auth == ClientAuth::kNone) return OkStatus();
  const int mode = SSL_VERIFY_PEER | (require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
  SSL_CTX_set_verify(context, mode, nullptr);
  SSL_CTX_set_cert_verify_callback(
      context, verify ? &CheckClientCertificate<true> : &CheckClientCertificate<false>, tls);
  // Resumption would skip the checks above.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  return OkStatus();
}

Status UseAlgorithms(SSL_CTX* context, const TlsOptions& options) {
  if (SSL_CTX_set_min_proto_version(context, options.min_version) != 1 ||
      SSL_CTX_set_max_proto_version(context, options.max_version) != 1) {
    return SslError("setting TLS versions");
  }
  // OpenSSL 3 allows TLS 1.0 and 1.1 only at security level 0.
  if (options.min_version < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
  std::string ciphers;
  for (const std::string& name : options.cipher_suites) {
    const NamePair* pair = FindName(kCipherSuites, name);
    if (pair == nullptr) return InvalidArgumentError("unknown cipher: " + name);
    if (!pair->openssl.empty()) {
      ciphers += (ciphers.empty() ? "" : ":") + std::string(pair->openssl);
    }
  }
  if (!ciphers.empty() && SSL_CTX_set_cipher_list(context, ciphers.c_str()) != 1) {
    return SslError("setting cipher suites");
  }
  std::string curves;
  for (const std::string& name : options.curves) {
    const NamePair* pair = FindName(kCurves, name);
    if (pair == nullptr) return InvalidArgumentError("unknown curve: " + name);
    curves += (curves.empty() ? "" : ":") + std::string(pair->openssl);
  }
  if (!curves.empty() && SSL_CTX_set1_curves_list(context, curves.c_str()) != 1) {
    return SslError("setting curves");
  }
  if (options.prefer_server_cipher_suites) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  return OkStatus();
}

// Only HTTP/1.1 is spoken; a client that offers nothing else of ours goes on without ALPN.
int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* in, unsigned int in_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof(kHttp11) - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

bool KnownCipherSuite(const std::string& name) { return FindName(kCipherSuites, name) != nullptr; }
bool KnownCurve(const std::string& name) { return FindName(kCurves, name) != nullptr; }

Result<std::shared_ptr<TlsContext>> MakeTlsContext(const TlsOptions& options) {
  SSL_CTX* raw = SSL_CTX_new(TLS_server_method());
  if (raw == nullptr) return SslError("making a TLS context");
  auto tls = std::make_shared<TlsContext>(raw, options.client_allowed_sans);
  // Idle connections must not keep 34 KB of record buffers each.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(
      raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_alpn_select_cb(raw, &ChooseProtocol, nullptr);
  RETURN_IF_ERROR(UseAlgorithms(raw, options));
  RETURN_IF_ERROR(UseCertificate(raw, options));
  RETURN_IF_ERROR(UseClientAuth(tls.get(), options));
  return tls;
}

}  // namespace deucalion::http
