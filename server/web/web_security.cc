#include "server/web/web_security.h"

#include <crypt.h>

#include "server/config/base64.h"

namespace deucalion::web {
namespace {

constexpr size_t kRememberedPasswords = 100;
// Of no password in use: unknown users cost as much time as known ones.
constexpr std::string_view kHashOfNobody =
    "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

bool BcryptMatches(const std::string& hash, const std::string& password) {
  // Go refuses longer ones too; crypt would ignore the rest. A zero byte would end the password.
  if (password.size() > 72 || password.find('\0') != std::string::npos) return false;
  const auto data = std::make_unique<crypt_data>();
  const char* computed = crypt_r(password.c_str(), hash.c_str(), data.get());
  return computed != nullptr && ConstantTimeEquals(computed, hash);
}

http::ClientAuth ClientAuthOf(std::string_view type) {
  if (type == "RequestClientCert") return http::ClientAuth::kRequest;
  if (type == "RequireAnyClientCert" || type == "RequireClientCert") {
    return http::ClientAuth::kRequireAny;
  }
  if (type == "VerifyClientCertIfGiven") return http::ClientAuth::kVerifyIfGiven;
  if (type == "RequireAndVerifyClientCert") return http::ClientAuth::kRequireAndVerify;
  return http::ClientAuth::kNone;
}

}  // namespace

bool ParseBasicAuth(std::string_view authorization, std::string* user, std::string* password) {
  constexpr std::string_view kScheme = "Basic ";
  if (authorization.size() < kScheme.size() ||
      !http::EqualsIgnoreCase(authorization.substr(0, kScheme.size()), kScheme)) {
    return false;
  }
  std::string decoded;
  if (!config::DecodeBase64(authorization.substr(kScheme.size()), &decoded)) return false;
  const size_t colon = decoded.find(':');
  if (colon == std::string::npos) return false;
  *user = decoded.substr(0, colon);
  *password = decoded.substr(colon + 1);
  return true;
}

bool RateLimiter::Allow() {
  const int64_t now = clock_->MonotonicNs();
  MutexLock lock(mu_);
  const int64_t full_at = std::max(full_at_ns_, now) + interval_ns_;
  if (static_cast<double>(full_at - now) >
      static_cast<double>(burst_) * static_cast<double>(interval_ns_)) {
    return false;
  }
  full_at_ns_ = full_at;
  return true;
}

bool PasswordChecker::Check(const std::string& user, const std::string& hash,
                            const std::string& password) {
  // Lengths in front, so that no two triples share a key.
  const std::string key = std::to_string(user.size()) + ":" + std::to_string(hash.size()) + ":" +
                          user + hash + password;
  {
    MutexLock lock(mu_);
    if (const auto it = known_.find(key); it != known_.end()) return it->second;
  }
  bool matches = false;
  {
    MutexLock lock(computing_);
    matches = BcryptMatches(hash, password);
  }
  MutexLock lock(mu_);
  if (known_.emplace(key, matches).second) order_.push_back(key);
  if (order_.size() > kRememberedPasswords) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return matches;
}

Result<std::unique_ptr<WebSecurity>> WebSecurity::Load(std::string path, FileSystem* files,
                                                       const Clock* clock, Logger* logger) {
  std::unique_ptr<WebSecurity> security(new WebSecurity(std::move(path), files, logger));
  ASSIGN_OR_RETURN(const auto config, security->Current());
  security->tls_enabled_ = config->tls.enabled();
  if (security->tls_enabled_) RETURN_IF_ERROR(security->Tls().TakeStatus());
  if (config->rate_interval_ns > 0) {
    security->limiter_ =
        std::make_unique<RateLimiter>(config->rate_interval_ns, config->rate_burst, clock);
  }
  return security;
}

WebSecurity::Version WebSecurity::VersionOf(const std::string& path) const {
  if (path.empty()) return {};
  const Result<FileInfo> info = files_->Stat(path);
  if (!info.ok()) return {};
  return {.mtime_ms = info->mtime_ms, .size_bytes = info->size_bytes};
}

Result<std::shared_ptr<const config::WebConfig>> WebSecurity::Current() {
  const Version version = VersionOf(path_);
  MutexLock lock(mu_);
  if (config_ == nullptr || version != version_ || version.mtime_ms < 0) {
    broken_ = Reread();
    version_ = version;
  }
  if (!broken_.ok()) return broken_;
  return config_;
}

Status WebSecurity::Reread() {
  ASSIGN_OR_RETURN(const std::string text, files_->ReadFile(path_));
  ASSIGN_OR_RETURN(config::WebConfig config, config::ParseWebConfig(path_, text));
  config_ = std::make_shared<const config::WebConfig>(std::move(config));
  return OkStatus();
}

Result<std::shared_ptr<http::TlsContext>> WebSecurity::MakeContext(
    const config::WebTlsConfig& tls) const {
  http::TlsOptions options{.cert_pem = tls.cert,
                           .key_pem = tls.key,
                           .client_ca_pem = tls.client_ca,
                           .client_auth = ClientAuthOf(tls.client_auth_type),
                           .min_version = tls.min_version,
                           .max_version = tls.max_version,
                           .cipher_suites = tls.cipher_suites,
                           .curves = tls.curve_preferences,
                           .prefer_server_cipher_suites = tls.prefer_server_cipher_suites};
  if (tls.client_allowed_sans.has_value()) options.client_allowed_sans = *tls.client_allowed_sans;
  const auto read = [this](const std::string& path, std::string_view key, std::string* out) {
    if (path.empty()) return OkStatus();
    Result<std::string> bytes = files_->ReadFile(path);
    if (!bytes.ok()) {
      return bytes.TakeStatus().WithContext("failed to read " + std::string(key) + " (" + path +
                                            ")");
    }
    *out = std::move(bytes).value();
    return OkStatus();
  };
  RETURN_IF_ERROR(read(tls.cert_file, "cert_file", &options.cert_pem));
  RETURN_IF_ERROR(read(tls.key_file, "key_file", &options.key_pem));
  RETURN_IF_ERROR(read(tls.client_ca_file, "client_ca_file", &options.client_ca_pem));
  return http::MakeTlsContext(options);
}

Result<std::shared_ptr<http::TlsContext>> WebSecurity::Tls() {
  ASSIGN_OR_RETURN(const auto config, Current());
  const config::WebTlsConfig& tls = config->tls;
  if (!tls.enabled()) return InvalidArgumentError("TLS config is not present");
  std::vector<Version> versions;
  for (const std::string* file : {&tls.cert_file, &tls.key_file, &tls.client_ca_file}) {
    versions.push_back(VersionOf(*file));
  }
  MutexLock lock(mu_);
  if (context_ != nullptr && context_config_ == config && context_files_ == versions) {
    return context_;
  }
  ASSIGN_OR_RETURN(context_, MakeContext(tls));
  context_config_ = config;
  context_files_ = std::move(versions);
  return context_;
}

bool WebSecurity::Authenticated(const config::WebConfig& config, const http::Request& request) {
  std::string user;
  std::string password;
  if (!ParseBasicAuth(request.headers.Get("Authorization"), &user, &password)) return false;
  const auto it = config.users.find(user);
  const bool known = it != config.users.end();
  const std::string hash = known ? it->second : std::string(kHashOfNobody);
  return passwords_.Check(user, hash, password) && known;
}

bool WebSecurity::Admit(const http::Request& request, http::Response* response) {
  const auto config = Current();
  if (!config.ok()) {
    logger_->Error("Unable to parse configuration", {{"err", config.status()}});
    response->Error(500, http::StatusText(500));
    return false;
  }
  if (limiter_ != nullptr && !limiter_->Allow()) {
    response->Error(429, http::StatusText(429));
    return false;
  }
  for (const auto& [name, value] : (*config)->headers) response->headers.Set(name, value);
  if ((*config)->users.empty() || Authenticated(**config, request)) return true;
  response->headers.Set("WWW-Authenticate", "Basic");
  response->Error(401, http::StatusText(401));
  return false;
}

}  // namespace deucalion::web
