// YamlDocument: one YAML document as a tree that knows where each part stands in the text. The only
// door to yaml-cpp in this room; its types and exceptions stay in yaml_node.cc.
//
// Reads YAML 1.1 as Go's yaml.v2 does (yes/no/on/off are booleans, << merges, the first document of
// a stream counts), because that is what Prometheus's files were written against. Bounded: nesting,
// number of nodes, and what aliases may multiply them to are limited, so hostile input is an error.
//
// Immutable after Parse, so thread-safe. Nodes live as long as their document.
#ifndef DEUCALION_SERVER_CONFIG_YAML_NODE_H_
#define DEUCALION_SERVER_CONFIG_YAML_NODE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace deucalion::config {

// Counted from 1. 0: not known.
struct YamlPosition {
  int line = 0;
  int column = 0;
};

enum class YamlKind { kNull, kScalar, kSequence, kMap };

struct YamlNode {
  YamlKind kind = YamlKind::kNull;
  bool quoted = false;  // a scalar in quotes or in block style: always a string
  YamlPosition at;
  std::string tag;                     // explicit tag, "" when none
  std::string value;                   // of a scalar
  std::vector<const YamlNode*> items;  // of a sequence; of a map: key, value, key, value, ...
};

// What a plain scalar means.
enum class YamlType { kNull, kBool, kInt, kFloat, kString, kTimestamp, kMerge };

struct YamlScalar {
  YamlType type = YamlType::kString;
  bool boolean = false;
  bool negative = false;   // of an integer
  uint64_t magnitude = 0;  // of an integer
  double real = 0;         // of a float or integer
};
// What `text`, written without quotes, resolves to.
YamlScalar ResolvePlain(std::string_view text);
// The same for a scalar node: quotes and tags are respected.
YamlScalar ResolveNode(const YamlNode& node);

class YamlDocument {
 public:
  // Larger files are refused before they are parsed.
  static constexpr size_t kMaxBytes = 64u << 20;

  YamlDocument() = default;
  // Empty text has a null root. Errors in yaml.v2's words (yaml: line 3: ...); `*at` tells where.
  static Result<YamlDocument> Parse(std::string_view text, YamlPosition* at = nullptr);

  const YamlNode& root() const { return *root_; }

 private:
  friend class YamlTreeBuilder;
  // A deque, so that nodes stay where they are.
  std::shared_ptr<const std::deque<YamlNode>> nodes_;
  const YamlNode* root_ = nullptr;
};

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_YAML_NODE_H_
