// RequestAuth: proves to the receiver of requests who sends them, in the ways of the large clouds:
// sigv4, azuread and google_iam of a remote_write entry. (basic_auth, authorization and oauth2 are
// the HTTP client's.)
#ifndef DEUCALION_SERVER_REMOTE_AUTH_REQUEST_AUTH_H_
#define DEUCALION_SERVER_REMOTE_AUTH_REQUEST_AUTH_H_

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "scrape/fetch/http_client.h"
#include "server/config/config.h"
#include "server/remote/auth/surroundings.h"

namespace deucalion::remote {

// Thread-safe. May be destroyed while requests wait for it: they get their answer nevertheless.
class RequestAuth {
 public:
  using Done = std::function<void(Result<scrape::HttpRequest>)>;
  virtual ~RequestAuth() = default;
  // Calls `done` once, on any thread, perhaps at once: with the request as it is to be sent now
  // (signatures age), or with the reason why there is none.
  virtual void Authorize(scrape::HttpRequest request, Done done) = 0;
};

// What tokens and keys are fetched with. The engine and the clock must outlive what is made of
// them.
struct AuthParts {
  scrape::HttpEngine* engine = nullptr;
  Clock* clock = Clock::Real();
  Surroundings surroundings = Surroundings::OfProcess();
  // Where Azure's tokens come from; empty: as the cloud of the entry says.
  std::string azure_authority;
};

// What the entry asks for; null when it asks for nothing of that. Files and variables are read now,
// tokens are fetched when the first request needs them. Errors: nothing that would do was found.
Result<std::shared_ptr<RequestAuth>> NewRequestAuth(const config::RemoteWriteConfig& config,
                                                    const AuthParts& parts);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_REQUEST_AUTH_H_
