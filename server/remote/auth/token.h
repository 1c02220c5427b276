// Access tokens: asking for one over HTTP, and what the answers look like.
#ifndef DEUCALION_SERVER_REMOTE_AUTH_TOKEN_H_
#define DEUCALION_SERVER_REMOTE_AUTH_TOKEN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scrape/fetch/http_client.h"
#include "server/remote/auth/renewed.h"

namespace deucalion::remote {

// Calls back with what goes into the Authorization field.
using Authorization = std::function<void(std::function<void(Result<std::string>)>)>;

// The two ways to whoever hands out tokens: "far" through the proxy of the environment, as Go's
// clients go; "near" never through one: metadata servers of the machine itself.
Result<std::shared_ptr<scrape::HttpClient>> FarClient(scrape::HttpEngine* engine);
Result<std::shared_ptr<scrape::HttpClient>> NearClient(scrape::HttpEngine* engine);

using Form = std::vector<std::pair<std::string_view, std::string_view>>;
// Name=value&…, escaped.
std::string EncodeForm(const Form& form);
scrape::HttpRequest FormRequest(std::string url, const Form& form);
scrape::HttpRequest MetadataRequest(std::string url,
                                    std::vector<std::pair<std::string, std::string>> headers);
// OK for 2xx; else what was asked and what was said.
Status CheckAnswer(const scrape::HttpRequest& request,
                   const Result<scrape::HttpResponse>& response);

struct AccessToken {
  std::string text;
  int64_t lifetime_ms = 0;
};
// access_token, and expires_in or expires_on: JSON as OAuth 2.0 and the clouds write it, where
// numbers may be strings.
Result<AccessToken> ParseToken(std::string_view json, int64_t now_ms);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_TOKEN_H_
