// The file of --web.config.file: TLS, basic authentication, response headers and rate limit of our
// own HTTP server, in the words of Prometheus's exporter-toolkit.
#ifndef DEUCALION_SERVER_CONFIG_WEB_CONFIG_H_
#define DEUCALION_SERVER_CONFIG_WEB_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace deucalion::config {

// Versions as on the wire.
inline constexpr int kTls10 = 0x0301;
inline constexpr int kTls11 = 0x0302;
inline constexpr int kTls12 = 0x0303;
inline constexpr int kTls13 = 0x0304;

struct WebTlsConfig {
  std::string cert;
  std::string key;
  std::string client_ca;
  std::string cert_file;  // like the other paths: relative to the file's directory once read
  std::string key_file;
  std::string client_auth_type;
  std::string client_ca_file;
  std::optional<std::vector<std::string>> client_allowed_sans;
  std::vector<std::string> cipher_suites;
  std::vector<std::string> curve_preferences;
  int min_version = kTls12;
  int max_version = kTls13;
  bool prefer_server_cipher_suites = true;

  // At least one of the fields that ask for TLS is set.
  bool enabled() const;
  friend bool operator==(const WebTlsConfig&, const WebTlsConfig&) = default;
};

struct WebConfig {
  WebTlsConfig tls;
  // Read and ignored: this server speaks HTTP/1.1.
  bool http2 = true;
  std::map<std::string, std::string> headers;
  int64_t rate_interval_ns = 0;  // 0: no limit
  int64_t rate_burst = 0;
  std::map<std::string, std::string> users;  // name to bcrypt hash
};

// Everything that can be checked without reading other files. `path` appears in errors and is what
// file names in it are relative to.
Result<WebConfig> ParseWebConfig(const std::string& path, std::string_view text);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_WEB_CONFIG_H_
