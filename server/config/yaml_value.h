// YamlValue: a tree to be written as YAML, in the style of Go's yaml.v2: block maps in given order,
// sequences at the indentation of their key, the plainest form of each scalar that reads back as
// what it is. So that what status/config shows is byte for byte what Prometheus would show.
#ifndef DEUCALION_SERVER_CONFIG_YAML_VALUE_H_
#define DEUCALION_SERVER_CONFIG_YAML_VALUE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deucalion::config {

struct YamlEntry;

struct YamlValue {
  enum class Kind { kText, kBare, kSequence, kMap };

  Kind kind = Kind::kText;
  bool secret = false;        // text not shown when secrets are hidden
  std::string text;           // kBare: a number, a boolean or null, written as it is
  std::string shown_instead;  // of a secret; "" for <secret>
  bool flow = false;          // a sequence of scalars written as [a, b]
  std::vector<YamlValue> items;
  std::vector<YamlEntry> entries;

  static YamlValue Text(std::string_view text);
  static YamlValue Secret(std::string_view text);
  // Only a part is secret: `hidden` is the text without it.
  static YamlValue SecretInside(std::string_view text, std::string_view hidden);
  static YamlValue Bare(std::string_view text);
  static YamlValue Bool(bool value);
  static YamlValue Sequence();
  static YamlValue Map();

  // Null when there is no such entry.
  const YamlValue* Find(std::string_view key) const;
  void Add(std::string_view key, YamlValue value);
};

// A struct of its own and not a pair: a pair must know its parts in full, and here they contain it.
struct YamlEntry {
  std::string key;
  YamlValue value;
};

enum class Secrets { kHidden, kShown };

inline constexpr std::string_view kHiddenSecret = "<secret>";

std::string WriteYaml(const YamlValue& value, Secrets secrets);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_YAML_VALUE_H_
