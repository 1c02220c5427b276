// URLs as Go's net/url sees them, as far as the configuration needs: is it one, and where is what.
#ifndef DEUCALION_SERVER_CONFIG_GO_URL_H_
#define DEUCALION_SERVER_CONFIG_GO_URL_H_

#include <string>
#include <string_view>

#include "base/status.h"

namespace deucalion::config {

// Parts as written (not unescaped).
struct GoUrl {
  std::string scheme;  // lower case
  std::string user;
  std::string password;
  bool has_password = false;
  std::string host;  // with port
  std::string path;
  std::string query;
  std::string fragment;
};

// Errors as url.Parse: parse "::": missing protocol scheme.
Result<GoUrl> ParseGoUrl(std::string_view text);

// `text` with its password replaced by xxxxx.
std::string RedactUrl(std::string_view text);

// --web.external-url: by default http://<hostname>:<port of listen_address>/; the path without a
// trailing slash. Errors: URL must not begin or end with quotes, and those of ParseGoUrl.
struct ExternalUrl {
  std::string url;
  std::string path;  // "" or "/prefix"
};
Result<ExternalUrl> ResolveExternalUrl(std::string_view flag, std::string_view listen_address,
                                       std::string_view hostname);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_GO_URL_H_
