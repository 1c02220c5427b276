#include "server/remote/auth/request_auth.h"

#include <utility>

#include "server/remote/auth/aws_keys.h"
#include "server/remote/auth/azure_token.h"
#include "server/remote/auth/google_token.h"

namespace deucalion::remote {
namespace {

class SigV4Auth final : public RequestAuth {
 public:
  SigV4Auth(AwsIdentity identity, std::string service, Clock* clock)
      : keys_(std::move(identity.keys)),
        scope_{.region = std::move(identity.region), .service = std::move(service)},
        clock_(clock) {}

  void Authorize(scrape::HttpRequest request, Done done) override {
    // Nothing of this object: it may be gone when the keys come.
    keys_->Get([scope = scope_, clock = clock_,
                request = std::make_shared<scrape::HttpRequest>(std::move(request)),
                done = std::move(done)](const Result<AwsKeys>& keys) {
      if (!keys.ok()) return done(keys.status().WithContext("error retrieving credentials"));
      const Status status = SignAwsRequest(*keys, scope, clock->NowMs(), request.get());
      if (!status.ok()) return done(status.WithContext("failed to sign request"));
      done(std::move(*request));
    });
  }

 private:
  const std::shared_ptr<Renewed<AwsKeys>> keys_;
  const AwsScope scope_;
  Clock* const clock_;
};

class TokenAuth final : public RequestAuth {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;
  TokenAuth(Authorization token, Headers headers)
      : token_(std::move(token)), headers_(std::move(headers)) {}

  void Authorize(scrape::HttpRequest request, Done done) override {
    for (const auto& header : headers_) request.headers.push_back(header);
    token_([request = std::make_shared<scrape::HttpRequest>(std::move(request)),
            done = std::move(done)](Result<std::string> token) {
      if (!token.ok()) return done(token.TakeStatus());
      request->headers.emplace_back("Authorization", *std::move(token));
      done(std::move(*request));
    });
  }

 private:
  const Authorization token_;
  const Headers headers_;
};

}  // namespace

Result<std::shared_ptr<RequestAuth>> NewRequestAuth(const config::RemoteWriteConfig& config,
                                                    const AuthParts& parts) {
  std::shared_ptr<RequestAuth> auth;
  if (config.sigv4) {
    ASSIGN_OR_RETURN(AwsIdentity identity, FindAwsIdentity(*config.sigv4, parts));
    const std::string& service = config.sigv4->service_name;
    auth = std::make_shared<SigV4Auth>(std::move(identity), service.empty() ? "aps" : service,
                                       parts.clock);
  } else if (config.azuread) {
    ASSIGN_OR_RETURN(Authorization token, NewAzureToken(*config.azuread, parts));
    auth = std::make_shared<TokenAuth>(std::move(token), TokenAuth::Headers());
  } else if (config.google_iam) {
    ASSIGN_OR_RETURN(GoogleIdentity identity, FindGoogleIdentity(*config.google_iam, parts));
    TokenAuth::Headers headers;
    if (!identity.quota_project.empty()) {
      headers.emplace_back("X-Goog-User-Project", identity.quota_project);
    }
    auth = std::make_shared<TokenAuth>(std::move(identity.token), std::move(headers));
  }
  return auth;
}

}  // namespace deucalion::remote
