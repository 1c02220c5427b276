#include "scrape/http_client_config.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "model/value.h"

namespace deucalion::scrape {
namespace {

template <typename... Bools>
int CountSet(Bools... set) {
  return (0 + ... + static_cast<int>(set));
}

std::string Trim(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return std::string(s);
}

std::string Lower(std::string s) {
  std::ranges::transform(s, s.begin(), [](unsigned char c) { return std::tolower(c); });
  return s;
}

// textproto.CanonicalMIMEHeaderKey.
std::string CanonicalHeader(std::string s) {
  bool upper = true;
  for (char& c : s) {
    c = static_cast<char>(upper ? std::toupper(static_cast<unsigned char>(c))
                                : std::tolower(static_cast<unsigned char>(c)));
    upper = c == '-';
  }
  return s;
}

// Headers that change the connection or that Prometheus sets itself.
constexpr std::array<std::string_view, 18> kReservedHeaders = {
    "authorization",
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
    "x-prometheus-scrape-timeout-seconds",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
};

Status ValidateHeaders(const std::map<std::string, HttpHeader>& headers) {
  for (const auto& [name, header] : headers) {
    if (std::ranges::find(kReservedHeaders, Lower(name)) != kReservedHeaders.end()) {
      return InvalidArgumentError("setting header " + GoQuote(CanonicalHeader(name)) +
                                  " is not allowed");
    }
  }
  return OkStatus();
}

Status ValidateOAuth2(const OAuth2& o) {
  if (o.client_id.empty()) return InvalidArgumentError("oauth2 client_id must be configured");
  if (o.token_url.empty()) return InvalidArgumentError("oauth2 token_url must be configured");
  if (o.grant_type == OAuth2::kJwtBearer) {
    if (CountSet(!o.client_certificate_key.empty(), !o.client_certificate_key_file.empty()) > 1) {
      return InvalidArgumentError(
          "at most one of oauth2 client_certificate_key, client_certificate_key_file & "
          "client_certificate_key_ref must be configured using grant-type=" +
          o.grant_type);
    }
    static constexpr std::array<std::string_view, 4> kAlgorithms = {"", "RS256", "RS384", "RS512"};
    if (std::ranges::find(kAlgorithms, o.signature_algorithm) == kAlgorithms.end()) {
      return InvalidArgumentError("valid signature algorithms are RS256, RS384 and RS512");
    }
  } else if (!o.client_secret.empty() && !o.client_secret_file.empty()) {
    return InvalidArgumentError(
        "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be "
        "configured");
  }
  RETURN_IF_ERROR(o.tls_config.Validate());
  return o.proxy.Validate();
}

}  // namespace

std::string_view TlsVersionText(TlsVersion version) {
  switch (version) {
    case TlsVersion::kUnset:
      return "";
    case TlsVersion::kTls10:
      return "TLS10";
    case TlsVersion::kTls11:
      return "TLS11";
    case TlsVersion::kTls12:
      return "TLS12";
    case TlsVersion::kTls13:
      return "TLS13";
  }
  return "";
}

Result<TlsVersion> ParseTlsVersion(std::string_view text) {
  for (auto v : {TlsVersion::kTls10, TlsVersion::kTls11, TlsVersion::kTls12, TlsVersion::kTls13}) {
    if (text == TlsVersionText(v)) return v;
  }
  return InvalidArgumentError("unknown TLS version: " + std::string(text));
}

std::string JoinConfigDir(const std::string& dir, const std::string& path) {
  if (path.empty() || path.front() == '/' || dir.empty()) return path;
  return dir.back() == '/' ? dir + path : dir + "/" + path;
}

Status TlsConfig::Validate() const {
  if (!ca.empty() && !ca_file.empty()) {
    return InvalidArgumentError("at most one of ca, ca_file & ca_ref must be configured");
  }
  if (!cert.empty() && !cert_file.empty()) {
    return InvalidArgumentError("at most one of cert, cert_file & cert_ref must be configured");
  }
  if (!key.empty() && !key_file.empty()) {
    return InvalidArgumentError("at most one of key and key_file must be configured");
  }
  const bool has_cert = !cert.empty() || !cert_file.empty();
  const bool has_key = !key.empty() || !key_file.empty();
  if (has_cert && !has_key) {
    return InvalidArgumentError(
        "exactly one of key or key_file must be configured when a client certificate is "
        "configured");
  }
  if (has_key && !has_cert) {
    return InvalidArgumentError(
        "exactly one of cert or cert_file must be configured when a client key is configured");
  }
  if (min_version != TlsVersion::kUnset && max_version != TlsVersion::kUnset &&
      max_version < min_version) {
    return InvalidArgumentError(
        "tls_config.max_version must be greater than or equal to tls_config.min_version if both "
        "are specified");
  }
  return OkStatus();
}

void TlsConfig::SetDirectory(const std::string& dir) {
  ca_file = JoinConfigDir(dir, ca_file);
  cert_file = JoinConfigDir(dir, cert_file);
  key_file = JoinConfigDir(dir, key_file);
}

Status ProxyConfig::Validate() const {
  if (!proxy_connect_header.empty() && !proxy_from_environment && proxy_url.empty()) {
    return InvalidArgumentError(
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be "
        "configured");
  }
  if (proxy_from_environment && !proxy_url.empty()) {
    return InvalidArgumentError(
        "if proxy_from_environment is configured, proxy_url must not be configured");
  }
  if (proxy_from_environment && !no_proxy.empty()) {
    return InvalidArgumentError(
        "if proxy_from_environment is configured, no_proxy must not be configured");
  }
  if (proxy_url.empty() && !no_proxy.empty()) {
    return InvalidArgumentError("if no_proxy is configured, proxy_url must also be configured");
  }
  return OkStatus();
}

Status HttpClientConfig::Validate() {
  const bool bearer = !bearer_token.empty() || !bearer_token_file.empty();
  if (!bearer_token.empty() && !bearer_token_file.empty()) {
    return InvalidArgumentError(
        "at most one of bearer_token & bearer_token_file must be configured");
  }
  if ((basic_auth || oauth2) && bearer) {
    return InvalidArgumentError(
        "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured");
  }
  if (basic_auth && !basic_auth->username.empty() && !basic_auth->username_file.empty()) {
    return InvalidArgumentError(
        "at most one of basic_auth username, username_file & username_ref must be configured");
  }
  if (basic_auth && !basic_auth->password.empty() && !basic_auth->password_file.empty()) {
    return InvalidArgumentError(
        "at most one of basic_auth password, password_file & password_ref must be configured");
  }
  if (authorization) {
    if (bearer) {
      return InvalidArgumentError(
          "authorization is not compatible with bearer_token & bearer_token_file");
    }
    if (!authorization->credentials.empty() && !authorization->credentials_file.empty()) {
      return InvalidArgumentError(
          "at most one of authorization credentials & credentials_file must be configured");
    }
    authorization->type = Trim(authorization->type);
    if (authorization->type.empty()) authorization->type = "Bearer";
    if (Lower(authorization->type) == "basic") {
      return InvalidArgumentError(
          "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
    }
    if (basic_auth || oauth2) {
      return InvalidArgumentError(
          "at most one of basic_auth, oauth2 & authorization must be configured");
    }
  } else if (bearer) {
    authorization = Authorization{.credentials = std::move(bearer_token),
                                  .credentials_file = std::move(bearer_token_file)};
    bearer_token.clear();
    bearer_token_file.clear();
  }
  if (oauth2) {
    if (basic_auth) {
      return InvalidArgumentError(
          "at most one of basic_auth, oauth2 & authorization must be configured");
    }
    RETURN_IF_ERROR(ValidateOAuth2(*oauth2));
  }
  RETURN_IF_ERROR(tls_config.Validate());
  RETURN_IF_ERROR(proxy.Validate());
  return ValidateHeaders(http_headers);
}

void HttpClientConfig::SetDirectory(const std::string& dir) {
  tls_config.SetDirectory(dir);
  if (basic_auth) {
    basic_auth->username_file = JoinConfigDir(dir, basic_auth->username_file);
    basic_auth->password_file = JoinConfigDir(dir, basic_auth->password_file);
  }
  if (authorization) {
    authorization->credentials_file = JoinConfigDir(dir, authorization->credentials_file);
  }
  if (oauth2) {
    oauth2->client_secret_file = JoinConfigDir(dir, oauth2->client_secret_file);
    oauth2->client_certificate_key_file = JoinConfigDir(dir, oauth2->client_certificate_key_file);
    oauth2->tls_config.SetDirectory(dir);
  }
  bearer_token_file = JoinConfigDir(dir, bearer_token_file);
  for (auto& [name, header] : http_headers) {
    for (std::string& file : header.files) file = JoinConfigDir(dir, file);
  }
}

}  // namespace deucalion::scrape
