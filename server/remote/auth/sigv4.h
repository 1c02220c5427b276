// AWS Signature Version 4: requests signed with an access key instead of a password, as Amazon's
// managed Prometheus wants them.
//
//   key       HMAC chain over date, region, service, "aws4_request", begun with "AWS4" + secret key
//   signed    method, path, query, the fields below, SHA-256 of the body; the time; the scope
//   fields    content-type, host, x-amz-date, x-amz-security-token
#ifndef DEUCALION_SERVER_REMOTE_AUTH_SIGV4_H_
#define DEUCALION_SERVER_REMOTE_AUTH_SIGV4_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "scrape/fetch/http_client.h"

namespace deucalion::remote {

struct AwsKeys {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of temporary ones, else empty
};

// What a signature is for.
struct AwsScope {
  std::string region;
  std::string service;
};

struct SignedRequest {
  std::string_view method;
  std::string_view host;  // as the Host field says it
  std::string_view path;  // as sent
  std::string_view query;
  std::string_view content_type;  // empty: none is sent
  std::string_view body;
};

// The fields to add: Authorization, X-Amz-Date, and X-Amz-Security-Token when there is one. Those
// of `content_type` and host are sent by the caller.
std::vector<std::pair<std::string, std::string>> SignAws(const SignedRequest& request,
                                                         const AwsKeys& keys, const AwsScope& scope,
                                                         int64_t now_ms);

// The same for a request as it is about to be sent: adds the fields. Error: its URL is none.
Status SignAwsRequest(const AwsKeys& keys, const AwsScope& scope, int64_t now_ms,
                      scrape::HttpRequest* request);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_SIGV4_H_
