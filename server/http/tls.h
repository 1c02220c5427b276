// TlsContext: certificate, key and rules of one TLS server, immutable once made. A reload makes a
// new one; connections keep the one they were accepted with.
#ifndef DEUCALION_SERVER_HTTP_TLS_H_
#define DEUCALION_SERVER_HTTP_TLS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace deucalion::http {

class TlsContext;

enum class ClientAuth {
  kNone,              // NoClientCert
  kRequest,           // RequestClientCert: asked for, not verified
  kRequireAny,        // RequireAnyClientCert: must be there, not verified
  kVerifyIfGiven,     // VerifyClientCertIfGiven
  kRequireAndVerify,  // RequireAndVerifyClientCert
};

struct TlsOptions {
  std::string cert_pem;  // leaf first, then intermediates
  std::string key_pem;
  std::string client_ca_pem;
  ClientAuth client_auth = ClientAuth::kNone;
  // When set, one of them must be a subject alternative name (DNS, e-mail, IP, URI) of the client.
  std::vector<std::string> client_allowed_sans;
  int min_version = 0x0303;  // TLS 1.2, as on the wire
  int max_version = 0x0304;
  // Go's names, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"; empty: defaults. TLS 1.3 suites are fixed.
  std::vector<std::string> cipher_suites;
  // "CurveP256", "CurveP384", "CurveP521", "X25519".
  std::vector<std::string> curves;
  bool prefer_server_cipher_suites = true;
};

Result<std::shared_ptr<TlsContext>> MakeTlsContext(const TlsOptions& options);

// True for the names `TlsOptions` knows.
bool KnownCipherSuite(const std::string& name);
bool KnownCurve(const std::string& name);

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_TLS_H_
