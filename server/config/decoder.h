// Decoder: what reading one YAML document into structs collects on the way.
//
// Two kinds of mistakes, as in Go's yaml.v2. A mismatch (wrong type, unknown field, duplicate key)
// is noted and reading goes on, so that one run reports them all. A refusal (a value that is of the
// right type but wrong) ends the reading at once. Readers return a failed Status for the second
// only.
//
// Thread-compatible; lives as long as one load.
#ifndef DEUCALION_SERVER_CONFIG_DECODER_H_
#define DEUCALION_SERVER_CONFIG_DECODER_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "server/config/yaml_node.h"

namespace deucalion::config {

enum class UnknownFields { kRefused, kIgnored };

class Decoder {
 public:
  explicit Decoder(UnknownFields unknown = UnknownFields::kRefused) : unknown_(unknown) {}

  // cannot unmarshal !!int `5` into bool
  void Mismatch(const YamlNode& node, std::string_view go_type);
  // field x not found in type config.plain
  void UnknownField(const YamlNode& key, std::string_view go_type);
  // field x already set in type config.plain
  void DuplicateField(const YamlNode& key, std::string_view go_type);
  // key "x" already set in map
  void DuplicateKey(const YamlNode& key);
  size_t mismatches() const { return mismatches_.size(); }

  // A refusal at `node`. The innermost node that says so counts. Returns `status`.
  Status Refuse(const YamlNode& node, Status status);
  Status Refuse(const YamlNode& node, std::string message) {
    return Refuse(node, InvalidArgumentError(std::move(message)));
  }

  // The outcome of reading `file`: OK, the refusal, or all mismatches, in upstream's words with
  // file:line:column in front.
  Status Finish(std::string_view file, const Status& read) const;
  // The same without the words "parsing YAML file", as for rule files.
  Status FinishPlain(std::string_view file, const Status& read) const;

 private:
  struct Note {
    YamlPosition at;
    std::string text;
  };
  void Add(const YamlNode& node, std::string text) { mismatches_.push_back({node.at, text}); }

  const UnknownFields unknown_;
  std::vector<Note> mismatches_;
  YamlPosition refused_at_;
};

// prometheus.yml:3:5, or only one of the two when the other is not known.
std::string FilePosition(std::string_view file, YamlPosition at);

// The pairs of a map with merge keys (<<) expanded: own keys first, then merged ones not set
// before.
struct YamlPair {
  const YamlNode* key;
  const YamlNode* value;
  bool merged;
};
std::vector<YamlPair> MapPairs(const YamlNode& map);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_DECODER_H_
