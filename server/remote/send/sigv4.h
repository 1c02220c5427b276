// AWS Signature Version 4: requests signed with an access key instead of a password, as Amazon's
// managed Prometheus wants them.
//
//   key       HMAC chain over date, region, service, "aws4_request", begun with "AWS4" + secret key
//   signed    method, path, query, the fields below, SHA-256 of the body; the time; the scope
//   fields    content-type, host, x-amz-date, x-amz-security-token
#ifndef DEUCALION_SERVER_REMOTE_SEND_SIGV4_H_
#define DEUCALION_SERVER_REMOTE_SEND_SIGV4_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "server/config/config.h"

namespace deucalion::remote {

struct AwsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of temporary ones, else empty
  std::string region;
};

// Where credentials come from besides the configuration.
struct AwsSurroundings {
  // Empty when not set.
  std::function<std::string(const char* variable)> environment;
  // Nothing when it cannot be read.
  std::function<std::optional<std::string>(const std::string& path)> file;

  static AwsSurroundings OfProcess();
};

// The keys of the entry; else those of its profile, or of the environment, or of the default
// profile, in ~/.aws/credentials and ~/.aws/config (or where AWS_SHARED_CREDENTIALS_FILE and
// AWS_CONFIG_FILE say). The region likewise. Errors: nothing found, in upstream's words.
Result<AwsCredentials> FindAwsCredentials(const config::SigV4Config& config,
                                          const AwsSurroundings& surroundings);

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
                                                         const AwsCredentials& credentials,
                                                         std::string_view service, int64_t now_ms);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_SIGV4_H_
