// Section<S>: the table that ties the keys of one YAML section to the members of a struct. Reading,
// detection of unknown fields, defaults (those of the struct) and printing all follow from it:
//
//   const Section<QueueConfig>& QueueSection() {
//     static const Section<QueueConfig> section{"config.QueueConfig", {
//         Key<Int, &QueueConfig::capacity>("capacity"),
//         Key<Duration, &QueueConfig::min_backoff_ms>("min_backoff"),
//     }};
//     return section;
//   }
//
// A codec (codecs.h) says how one kind of value is read and printed:
//   using Value = ...;
//   static Status Read(Decoder&, const YamlNode&, Value*);   // notes mismatches itself
//   static bool Empty(const Value&);                          // left out by omitempty
//   static YamlValue Print(const Value&);
#ifndef DEUCALION_SERVER_CONFIG_SECTION_H_
#define DEUCALION_SERVER_CONFIG_SECTION_H_

#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "server/config/decoder.h"
#include "server/config/yaml_value.h"

namespace deucalion::config {

template <typename S>
struct Field {
  std::string_view name;
  std::function<Status(Decoder&, const YamlNode&, S*)> read;
  // Nothing when the field is left out.
  std::function<std::optional<YamlValue>(const S&)> print;
};

template <typename S>
struct Section {
  std::string_view go_type;  // upstream's name of the type in error messages
  std::vector<Field<S>> fields;
  // Checks and completes the struct once its fields are read without mismatch.
  Status (*finish)(S*) = nullptr;

  const Field<S>* Find(std::string_view name) const {
    for (const Field<S>& field : fields) {
      if (field.name == name) return &field;
    }
    return nullptr;
  }
};

enum class When { kNotEmpty, kAlways };

template <auto Member>
struct MemberTraits;
template <typename S, typename T, T S::*Member>
struct MemberTraits<Member> {
  using Class = S;
};

template <auto First, auto... Rest, typename S>
auto& Follow(S& object) {
  if constexpr (sizeof...(Rest) == 0) {
    return object.*First;
  } else {
    return Follow<Rest...>(object.*First);
  }
}

// The key `name` for the member reached by following First, Rest... from the struct.
template <typename Codec, auto First, auto... Rest>
auto Key(std::string_view name, When when = When::kNotEmpty) {
  using S = typename MemberTraits<First>::Class;
  return Field<S>{name,
                  [](Decoder& d, const YamlNode& node, S* object) {
                    return Codec::Read(d, node, &Follow<First, Rest...>(*object));
                  },
                  [when](const S& object) -> std::optional<YamlValue> {
                    const auto& value = Follow<First, Rest...>(object);
                    if (when == When::kNotEmpty && Codec::Empty(value)) return std::nullopt;
                    return Codec::Print(value);
                  }};
}

// Adds the fields of a struct whose keys stand among the owner's (Go's `yaml:",inline"`).
template <auto First, auto... Rest, typename Inner>
auto WithInline(std::vector<Field<typename MemberTraits<First>::Class>> fields,
                const std::vector<Field<Inner>>& inner,
                std::vector<Field<typename MemberTraits<First>::Class>> after = {}) {
  using S = typename MemberTraits<First>::Class;
  for (const Field<Inner>& field : inner) {
    fields.push_back(Field<S>{
        field.name,
        [read = field.read](Decoder& d, const YamlNode& node, S* object) {
          return read(d, node, &Follow<First, Rest...>(*object));
        },
        [print = field.print](const S& object) { return print(Follow<First, Rest...>(object)); }});
  }
  for (Field<S>& field : after) fields.push_back(std::move(field));
  return fields;
}

// Reads the pairs of `node` in their order. Null leaves *out as it is.
template <typename S>
Status ReadSection(Decoder& d, const YamlNode& node, const Section<S>& section, S* out) {
  if (ResolveNode(node).type == YamlType::kNull && node.kind != YamlKind::kMap &&
      node.kind != YamlKind::kSequence) {
    return OkStatus();
  }
  if (node.kind != YamlKind::kMap) {
    d.Mismatch(node, section.go_type);
    return OkStatus();
  }
  const size_t before = d.mismatches();
  std::set<std::string_view> seen;
  for (const YamlPair& pair : MapPairs(node)) {
    const Field<S>* field = section.Find(pair.key->value);
    if (field == nullptr || pair.key->kind != YamlKind::kScalar) {
      d.UnknownField(*pair.key, section.go_type);
    } else if (!seen.insert(field->name).second) {
      d.DuplicateField(*pair.key, section.go_type);
    } else {
      RETURN_IF_ERROR(d.Refuse(*pair.value, field->read(d, *pair.value, out)));
    }
  }
  if (d.mismatches() != before || section.finish == nullptr) return OkStatus();
  return d.Refuse(node, section.finish(out));
}

template <typename S>
YamlValue PrintSection(const Section<S>& section, const S& object) {
  YamlValue map = YamlValue::Map();
  for (const Field<S>& field : section.fields) {
    if (std::optional<YamlValue> value = field.print(object)) {
      map.Add(field.name, *std::move(value));
    }
  }
  return map;
}

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_SECTION_H_
