#include "server/config/decoder.h"

#include <algorithm>
#include <set>

#include "model/value.h"

namespace deucalion::config {
namespace {

std::string_view TagOf(const YamlNode& node) {
  if (node.kind == YamlKind::kSequence) return "!!seq";
  if (node.kind == YamlKind::kMap) return "!!map";
  switch (ResolveNode(node).type) {
    case YamlType::kNull:
      return "!!null";
    case YamlType::kBool:
      return "!!bool";
    case YamlType::kInt:
      return "!!int";
    case YamlType::kFloat:
      return "!!float";
    case YamlType::kTimestamp:
      return "!!timestamp";
    case YamlType::kMerge:
      return "!!merge";
    case YamlType::kString:
      return "!!str";
  }
  return "!!str";
}

// Long values are cut, as yaml.v2 does.
std::string Excerpt(const YamlNode& node) {
  if (node.kind != YamlKind::kScalar) return "";
  if (node.value.size() > 10) return " `" + node.value.substr(0, 7) + "...`";
  return " `" + node.value + "`";
}

void AppendMerged(const YamlNode& node, int depth, std::set<std::string_view>* seen,
                  std::vector<YamlPair>* out) {
  if (depth > 32) return;
  if (node.kind == YamlKind::kSequence) {
    for (const YamlNode* item : node.items) AppendMerged(*item, depth + 1, seen, out);
    return;
  }
  if (node.kind != YamlKind::kMap) return;
  for (const YamlPair& pair : MapPairs(node)) {
    if (seen->insert(pair.key->value).second) out->push_back({pair.key, pair.value, true});
  }
}

}  // namespace

void Decoder::Mismatch(const YamlNode& node, std::string_view go_type) {
  Add(node, "cannot unmarshal " + std::string(TagOf(node)) + Excerpt(node) + " into " +
                std::string(go_type));
}

void Decoder::UnknownField(const YamlNode& key, std::string_view go_type) {
  if (unknown_ == UnknownFields::kIgnored) return;
  Add(key, "field " + key.value + " not found in type " + std::string(go_type));
}

void Decoder::DuplicateField(const YamlNode& key, std::string_view go_type) {
  Add(key, "field " + key.value + " already set in type " + std::string(go_type));
}

void Decoder::DuplicateKey(const YamlNode& key) {
  Add(key, "key " + GoQuote(key.value) + " already set in map");
}

Status Decoder::Refuse(const YamlNode& node, Status status) {
  if (!status.ok() && refused_at_.line == 0) refused_at_ = node.at;
  return status;
}

Status Decoder::Finish(std::string_view file, const Status& read) const {
  const Status plain = FinishPlain(file, read);
  if (plain.ok()) return plain;
  return Status(plain.code(), "parsing YAML file " + std::string(plain.message()));
}

Status Decoder::FinishPlain(std::string_view file, const Status& read) const {
  if (!read.ok()) {
    return Status(read.code(),
                  FilePosition(file, refused_at_) + ": " + std::string(read.message()));
  }
  if (mismatches_.empty()) return OkStatus();
  std::string text = FilePosition(file, mismatches_.front().at) + ": yaml: unmarshal errors:";
  for (const Note& note : mismatches_) {
    text += "\n  line " + std::to_string(note.at.line) + ": " + note.text + " (column " +
            std::to_string(note.at.column) + ")";
  }
  return InvalidArgumentError(std::move(text));
}

std::string FilePosition(std::string_view file, YamlPosition at) {
  std::string text(file);
  if (at.line > 0)
    text += (text.empty() ? "" : ":") + std::to_string(at.line) + ":" + std::to_string(at.column);
  return text;
}

std::vector<YamlPair> MapPairs(const YamlNode& map) {
  std::vector<YamlPair> pairs;
  std::vector<const YamlNode*> merges;
  for (size_t i = 0; i + 1 < map.items.size(); i += 2) {
    const YamlNode* key = map.items[i];
    if (key->kind == YamlKind::kScalar && !key->quoted && key->value == "<<") {
      merges.push_back(map.items[i + 1]);
    } else {
      pairs.push_back({key, map.items[i + 1], false});
    }
  }
  if (merges.empty()) return pairs;
  std::set<std::string_view> seen;
  for (const YamlPair& pair : pairs) seen.insert(pair.key->value);
  for (const YamlNode* merge : merges) AppendMerged(*merge, 0, &seen, &pairs);
  return pairs;
}

}  // namespace deucalion::config
