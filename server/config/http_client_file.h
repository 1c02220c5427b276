// The file of --http.config.file: how a command-line tool talks to servers that ask for TLS or
// authentication. Its keys are those of `http_config` sections.
#ifndef DEUCALION_SERVER_CONFIG_HTTP_CLIENT_FILE_H_
#define DEUCALION_SERVER_CONFIG_HTTP_CLIENT_FILE_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "scrape/http_client_config.h"

namespace deucalion::config {

// Checked. `path` appears in errors, and file names in it are relative to its directory.
Result<scrape::HttpClientConfig> ParseHttpClientFile(const std::string& path,
                                                     std::string_view text);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_HTTP_CLIENT_FILE_H_
