// HttpClientConfig: how outgoing requests authenticate, encrypt, travel through proxies and which
// headers they add. The `http_config` part of scrape_configs, service discovery, alertmanagers and
// remote endpoints. Plain values; equality decides whether a reload may keep a client.
//
// Fields marked "secret" are printed as <secret> wherever the configuration is shown. Fields ending
// in _file name a file that is read again for each request, so that rotated credentials apply.
#ifndef DEUCALION_SCRAPE_HTTP_CLIENT_CONFIG_H_
#define DEUCALION_SCRAPE_HTTP_CLIENT_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace deucalion::scrape {

struct BasicAuth {
  std::string username;
  std::string username_file;
  std::string password;  // secret
  std::string password_file;
  friend bool operator==(const BasicAuth&, const BasicAuth&) = default;
};

struct Authorization {
  std::string type = "Bearer";
  std::string credentials;  // secret
  std::string credentials_file;
  friend bool operator==(const Authorization&, const Authorization&) = default;
};

enum class TlsVersion { kUnset, kTls10, kTls11, kTls12, kTls13 };
// "TLS12"; "" for kUnset.
std::string_view TlsVersionText(TlsVersion version);
// Error: unknown TLS version: x.
Result<TlsVersion> ParseTlsVersion(std::string_view text);

struct TlsConfig {
  std::string ca;  // PEM text
  std::string cert;
  std::string key;  // secret
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
  TlsVersion min_version = TlsVersion::kUnset;  // TLS 1.2 then
  TlsVersion max_version = TlsVersion::kUnset;

  Status Validate() const;
  void SetDirectory(const std::string& dir);
  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

struct ProxyConfig {
  std::string proxy_url;  // its password is secret
  std::string no_proxy;
  bool proxy_from_environment = false;
  std::map<std::string, std::vector<std::string>> proxy_connect_header;  // values secret

  Status Validate() const;
  friend bool operator==(const ProxyConfig&, const ProxyConfig&) = default;
};

// RFC 6749 client credentials, or RFC 7523 JWT bearer assertions.
struct OAuth2 {
  static constexpr const char* kJwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";

  std::string client_id;
  std::string client_secret;  // secret
  std::string client_secret_file;
  std::string client_certificate_key_id;
  std::string client_certificate_key;  // secret
  std::string client_certificate_key_file;
  std::string grant_type;           // "" = client_credentials
  std::string signature_algorithm;  // RS256 (default), RS384, RS512
  std::string iss;                  // client_id when empty
  std::string audience;             // token_url when empty
  std::map<std::string, std::string> claims;
  std::vector<std::string> scopes;
  std::string token_url;
  std::map<std::string, std::string> endpoint_params;
  TlsConfig tls_config;
  ProxyConfig proxy;
  friend bool operator==(const OAuth2&, const OAuth2&) = default;
};

// One entry of http_headers; every value of all three lists is sent.
struct HttpHeader {
  std::vector<std::string> values;
  std::vector<std::string> secrets;  // secret
  std::vector<std::string> files;
  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

struct HttpClientConfig {
  std::optional<BasicAuth> basic_auth;
  std::optional<Authorization> authorization;
  std::optional<OAuth2> oauth2;
  std::string bearer_token;  // deprecated, secret; Validate moves it into `authorization`
  std::string bearer_token_file;
  TlsConfig tls_config;
  bool follow_redirects = true;
  bool enable_http2 = true;
  ProxyConfig proxy;
  std::map<std::string, HttpHeader> http_headers;

  // Checks what may not stand together, in upstream's words, and normalises: bearer tokens become
  // `authorization`, an empty authorization type becomes Bearer.
  Status Validate();
  // Makes relative file paths relative to `dir`.
  void SetDirectory(const std::string& dir);
  friend bool operator==(const HttpClientConfig&, const HttpClientConfig&) = default;
};

// `path` itself when it is empty or absolute, else below `dir`.
std::string JoinConfigDir(const std::string& dir, const std::string& path);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_HTTP_CLIENT_CONFIG_H_
