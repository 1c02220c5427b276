#include "server/config/http_client_file.h"

#include "base/file_system.h"
#include "server/config/sections.h"

namespace deucalion::config {
namespace {

const Section<scrape::HttpClientConfig>& FileSection() {
  static const Section<scrape::HttpClientConfig> section{
      "config.HTTPClientConfig", HttpClientFields(),
      [](scrape::HttpClientConfig* config) { return config->Validate(); }};
  return section;
}

}  // namespace

Result<scrape::HttpClientConfig> ParseHttpClientFile(const std::string& path,
                                                     std::string_view text) {
  YamlPosition at;
  Result<YamlDocument> document = YamlDocument::Parse(text, &at);
  if (!document.ok()) {
    return Status(document.status().code(),
                  FilePosition(path, at) + ": " + std::string(document.status().message()));
  }
  Decoder d;
  scrape::HttpClientConfig config;
  RETURN_IF_ERROR(d.FinishPlain(path, ReadSection(d, document->root(), FileSection(), &config)));
  const std::string dir = DirName(path);
  config.SetDirectory(dir == "." ? "" : dir);
  return config;
}

}  // namespace deucalion::config
