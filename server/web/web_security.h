// WebSecurity: what --web.config.file asks for, kept up to date. TLS for new connections, and for
// every request the rate limit, the extra response headers and basic authentication.
//
// The file and the certificates it names are looked at again for each request and connection (a
// stat each) and read when they have changed, as in Prometheus. Whether TLS is on at all is decided
// at the start. A file that has become wrong refuses: new connections are closed, requests answered
// with 500, until it is right again.
//
// Thread-safe. File system, clock and logger must outlive it.
#ifndef DEUCALION_SERVER_WEB_WEB_SECURITY_H_
#define DEUCALION_SERVER_WEB_WEB_SECURITY_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/thread_annotations.h"
#include "server/config/web_config.h"
#include "server/http/message.h"
#include "server/http/tls.h"

namespace deucalion::web {

// Allows `burst` requests at once and one more per interval. Thread-safe.
class RateLimiter {
 public:
  RateLimiter(int64_t interval_ns, int64_t burst, const Clock* clock)
      : interval_ns_(interval_ns), burst_(burst), clock_(clock) {}
  bool Allow() EXCLUDES(mu_);

 private:
  const int64_t interval_ns_;
  const int64_t burst_;
  const Clock* const clock_;
  Mutex mu_;
  // When the bucket will be full again.
  int64_t full_at_ns_ GUARDED_BY(mu_) = 0;
};

// Checks passwords against bcrypt hashes; remembers the last hundred answers, as each costs a good
// part of a second of CPU. Thread-safe.
class PasswordChecker {
 public:
  bool Check(const std::string& user, const std::string& hash, const std::string& password)
      EXCLUDES(mu_, computing_);

 private:
  // One hash at a time: guessing must not take all cores.
  Mutex computing_;
  Mutex mu_;
  std::map<std::string, bool> known_ GUARDED_BY(mu_);
  std::deque<std::string> order_ GUARDED_BY(mu_);
};

class WebSecurity {
 public:
  // Errors: the file cannot be read, is wrong, or names certificates that do not load.
  static Result<std::unique_ptr<WebSecurity>> Load(std::string path, FileSystem* files,
                                                   const Clock* clock, Logger* logger);

  bool tls_enabled() const { return tls_enabled_; }
  // For ServerOptions::tls.
  Result<std::shared_ptr<http::TlsContext>> Tls() EXCLUDES(mu_);
  // For ServerOptions::gate. False: `response` is the answer.
  bool Admit(const http::Request& request, http::Response* response) EXCLUDES(mu_);

 private:
  // What tells one version of a file from another.
  struct Version {
    int64_t mtime_ms = -1;
    uint64_t size_bytes = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };

  WebSecurity(std::string path, FileSystem* files, Logger* logger)
      : path_(std::move(path)), files_(files), logger_(logger) {}

  Version VersionOf(const std::string& path) const;
  Result<std::shared_ptr<const config::WebConfig>> Current() EXCLUDES(mu_);
  Status Reread() REQUIRES(mu_);
  Result<std::shared_ptr<http::TlsContext>> MakeContext(const config::WebTlsConfig& tls) const;
  bool Authenticated(const config::WebConfig& config, const http::Request& request);

  const std::string path_;
  FileSystem* const files_;
  Logger* const logger_;
  bool tls_enabled_ = false;
  std::unique_ptr<RateLimiter> limiter_;  // of the first reading
  PasswordChecker passwords_;

  Mutex mu_;
  Version version_ GUARDED_BY(mu_);
  Status broken_ GUARDED_BY(mu_);
  std::shared_ptr<const config::WebConfig> config_ GUARDED_BY(mu_);
  // The context, and what it was made of.
  std::shared_ptr<http::TlsContext> context_ GUARDED_BY(mu_);
  std::shared_ptr<const config::WebConfig> context_config_ GUARDED_BY(mu_);
  std::vector<Version> context_files_ GUARDED_BY(mu_);
};

// User and password of an "Authorization: Basic ..." header; false when there is none.
bool ParseBasicAuth(std::string_view authorization, std::string* user, std::string* password);

}  // namespace deucalion::web

#endif  // DEUCALION_SERVER_WEB_WEB_SECURITY_H_
