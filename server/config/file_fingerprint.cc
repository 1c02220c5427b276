#include "server/config/file_fingerprint.h"

#include <string_view>

#include "base/hash.h"
#include "scrape/http_client_config.h"
#include "server/config/glob.h"
#include "server/config/yaml_node.h"

namespace deucalion::config {
namespace {

// Hashes are chained: what was hashed so far goes in front of each piece.
void Mix(std::string_view piece, uint64_t* hash) {
  std::string bytes(reinterpret_cast<const char*>(hash), sizeof(*hash));
  bytes.append(piece);
  *hash = Hash64(bytes);
}

Status MixMatches(const YamlNode& patterns, const std::string& dir, FileSystem* file_system,
                  uint64_t* hash) {
  for (const YamlNode* pattern : patterns.items) {
    for (const std::string& path : Glob(scrape::JoinConfigDir(dir, pattern->value))) {
      ASSIGN_OR_RETURN(const std::string content, file_system->ReadFile(path));
      Mix(path, hash);
      Mix(content, hash);
    }
  }
  return OkStatus();
}

}  // namespace

Result<uint64_t> FileFingerprint(const std::string& path, FileSystem* file_system) {
  ASSIGN_OR_RETURN(const std::string text, file_system->ReadFile(path));
  ASSIGN_OR_RETURN(const YamlDocument document, YamlDocument::Parse(text));
  uint64_t hash = 0;
  Mix(text, &hash);
  const std::string dir = DirName(path) == "." ? "" : DirName(path);
  const YamlNode& root = document.root();
  if (root.kind != YamlKind::kMap) return hash;
  for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
    const std::string& key = root.items[i]->value;
    if (key != "rule_files" && key != "scrape_config_files") continue;
    Mix(key, &hash);
    RETURN_IF_ERROR(MixMatches(*root.items[i + 1], dir, file_system, &hash));
  }
  return hash;
}

}  // namespace deucalion::config
