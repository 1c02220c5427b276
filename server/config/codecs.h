// Codecs: how single values of the configuration are read from YAML and printed back (section.h).
// Reading a null gives the zero value, as in Go.
#ifndef DEUCALION_SERVER_CONFIG_CODECS_H_
#define DEUCALION_SERVER_CONFIG_CODECS_H_

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"
#include "server/config/section.h"

namespace deucalion::config {

// Null only by its own words, never an empty quoted string or a collection.
inline bool IsNull(const YamlNode& node) {
  return node.kind == YamlKind::kNull ||
         (node.kind == YamlKind::kScalar && ResolveNode(node).type == YamlType::kNull);
}

// Any scalar, as text; numbers and booleans keep their spelling.
bool ReadText(Decoder& d, const YamlNode& node, std::string_view go_type, std::string* out);
bool ReadInteger(Decoder& d, const YamlNode& node, std::string_view go_type, int64_t min,
                 uint64_t max, int64_t* out);
Status ReadDurationMs(Decoder& d, const YamlNode& node, int64_t* out);
Status ReadByteSize(Decoder& d, const YamlNode& node, int64_t* out);
bool ReadFloat(Decoder& d, const YamlNode& node, double* out);
bool ReadBool(Decoder& d, const YamlNode& node, bool* out);
std::string DurationText(int64_t ms);
std::string BytesText(int64_t bytes);

struct Text {
  using Value = std::string;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    ReadText(d, node, "string", out);
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) { return YamlValue::Text(v); }
};

struct Secret {
  using Value = std::string;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    ReadText(d, node, "config.plain", out);
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) {
    return v.empty() ? YamlValue::Bare("null") : YamlValue::Secret(v);
  }
};

struct Bool {
  using Value = bool;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    ReadBool(d, node, out);
    return OkStatus();
  }
  static bool Empty(Value v) { return !v; }
  static YamlValue Print(Value v) { return YamlValue::Bool(v); }
};

// A pointer to bool in Go: unset is neither.
struct OptionalBool {
  using Value = std::optional<bool>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    if (IsNull(node)) {
      out->reset();
      return OkStatus();
    }
    bool value = false;
    if (ReadBool(d, node, &value)) *out = value;
    return OkStatus();
  }
  static bool Empty(const Value& v) { return !v.has_value(); }
  static YamlValue Print(const Value& v) { return YamlValue::Bool(*v); }
};

template <typename T>
struct Integer {
  using Value = T;
  static constexpr std::string_view GoType() {
    if constexpr (std::is_same_v<T, uint64_t>) return "uint";
    if constexpr (std::is_same_v<T, int64_t>) return "int64";
    return "int";
  }
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    int64_t value = 0;
    constexpr auto kMax = static_cast<uint64_t>(
        std::min<uint64_t>(static_cast<uint64_t>(std::numeric_limits<T>::max()),
                           static_cast<uint64_t>(std::numeric_limits<int64_t>::max())));
    if (ReadInteger(d, node, GoType(), static_cast<int64_t>(std::numeric_limits<T>::min()), kMax,
                    &value)) {
      *out = static_cast<T>(value);
    }
    return OkStatus();
  }
  static bool Empty(Value v) { return v == 0; }
  static YamlValue Print(Value v) { return YamlValue::Bare(std::to_string(v)); }
};
using Int = Integer<int>;
using Int64 = Integer<int64_t>;
using Uint = Integer<uint64_t>;

struct Float {
  using Value = double;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    ReadFloat(d, node, out);
    return OkStatus();
  }
  static bool Empty(Value v) { return v == 0; }
  static YamlValue Print(Value v) { return YamlValue::Bare(FormatFloatG(v)); }
};

// Milliseconds.
struct Duration {
  using Value = int64_t;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    return ReadDurationMs(d, node, out);
  }
  static bool Empty(Value v) { return v == 0; }
  static YamlValue Print(Value v) { return YamlValue::Text(DurationText(v)); }
};

struct Bytes {
  using Value = int64_t;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    return ReadByteSize(d, node, out);
  }
  static bool Empty(Value v) { return v == 0; }
  static YamlValue Print(Value v) { return YamlValue::Text(BytesText(v)); }
};

// A URL that Go would parse; its password is hidden when printed.
struct Url {
  using Value = std::string;
  static Status Read(Decoder& d, const YamlNode& node, Value* out);
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v);
};

struct Texts {
  using Value = std::vector<std::string>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out);
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v);
};

struct SecretTexts {
  using Value = std::vector<std::string>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    return Texts::Read(d, node, out);
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v);
};

struct TextMap {
  using Value = std::map<std::string, std::string>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out);
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v);
};

// url.Values: name -> list of strings.
struct TextsMap {
  using Value = std::map<std::string, std::vector<std::string>>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out);
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v);
};

// The same with secret values.
struct SecretsMap {
  using Value = std::map<std::string, std::vector<std::string>>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    return TextsMap::Read(d, node, out);
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v);
};

// Label names and values of a model.LabelSet.
struct LabelSet {
  using Value = std::map<std::string, std::string>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out);
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) { return TextMap::Print(v); }
};

// A struct with a section of its own. Left out when it equals a value-initialised one.
template <typename S, const Section<S>& (*Get)()>
struct Nested {
  using Value = S;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    return ReadSection(d, node, Get(), out);
  }
  static bool Empty(const Value& v) { return v == S(); }
  static YamlValue Print(const Value& v) { return PrintSection(Get(), v); }
};

// A pointer to such a struct: present as soon as the key is there with a value.
template <typename S, const Section<S>& (*Get)()>
struct OptionalNested {
  using Value = std::optional<S>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    if (IsNull(node)) {
      out->reset();
      return OkStatus();
    }
    return ReadSection(d, node, Get(), &out->emplace());
  }
  static bool Empty(const Value& v) { return !v.has_value(); }
  static YamlValue Print(const Value& v) { return PrintSection(Get(), *v); }
};

// What a list of structs is called in error messages, and what is said of a null element.
struct ListWords {
  std::string_view go_type;
  std::string_view null_element;
};

template <typename S, const Section<S>& (*Get)(), const ListWords& Words>
struct List {
  using Value = std::vector<S>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    out->clear();
    if (IsNull(node)) return OkStatus();
    if (node.kind != YamlKind::kSequence) {
      d.Mismatch(node, Words.go_type);
      return OkStatus();
    }
    for (const YamlNode* item : node.items) {
      if (IsNull(*item)) return d.Refuse(*item, std::string(Words.null_element));
      RETURN_IF_ERROR(ReadSection(d, *item, Get(), &out->emplace_back()));
    }
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) {
    YamlValue list = YamlValue::Sequence();
    for (const S& item : v) list.items.push_back(PrintSection(Get(), item));
    return list;
  }
};

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_CODECS_H_
