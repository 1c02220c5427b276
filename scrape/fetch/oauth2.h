// OAuth 2.0 tokens for outgoing requests: client credentials (RFC 6749) and JWT bearer assertions
// (RFC 7523). A token is fetched when first needed and again shortly before it expires; requests
// that come meanwhile wait for it. Thread-safe; must be owned by a shared_ptr, for answers that
// come late.
#ifndef DEUCALION_SCRAPE_FETCH_OAUTH2_H_
#define DEUCALION_SCRAPE_FETCH_OAUTH2_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "scrape/fetch/http_client.h"

namespace deucalion::scrape {

class OAuth2TokenSource : public std::enable_shared_from_this<OAuth2TokenSource> {
 public:
  // "Bearer abc", or why there is none.
  using Done = std::function<void(Result<std::string>)>;

  // `http` reaches the token URL (with the TLS and proxy settings of the section).
  OAuth2TokenSource(OAuth2 config, std::unique_ptr<HttpClient> http, const Clock* clock)
      : config_(std::move(config)), http_(std::move(http)), clock_(clock) {}

  void Get(int64_t timeout_ms, Done done) EXCLUDES(mu_);

 private:
  // Some servers want the client's credentials in a header, others in the body: tried in this
  // order.
  enum class CredentialsIn { kHeader, kBody };

  void Fetch(int64_t timeout_ms, CredentialsIn where);
  Result<HttpRequest> MakeRequest(CredentialsIn where) const;
  void OnResponse(Result<HttpResponse> response, int64_t timeout_ms, CredentialsIn where);
  void Settle(Result<std::string> token, int64_t expires_in_s) EXCLUDES(mu_);

  const OAuth2 config_;
  const std::unique_ptr<HttpClient> http_;
  const Clock* const clock_;

  Mutex mu_;
  std::string token_ GUARDED_BY(mu_);
  int64_t expires_ns_ GUARDED_BY(mu_) = 0;
  std::vector<Done> waiting_ GUARDED_BY(mu_);
};

// Standard base64; `url_safe`: the alphabet with - and _, without padding.
std::string Base64(std::string_view bytes, bool url_safe = false);
// The file's text without white space at its ends. Error: unable to read file x: open x: …
Result<std::string> ReadSecretFile(const std::string& path);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_FETCH_OAUTH2_H_
