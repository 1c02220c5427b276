// static_configs, file_sd_configs and the other sources of targets, as keys of their owner.
#include <algorithm>

#include "server/config/sd_schema.h"
#include "server/config/sections.h"

namespace deucalion::config {
namespace {

using scrape::DiscoveryConfig;
using scrape::DnsSdConfig;
using scrape::FileSdConfig;
using scrape::HttpSdConfig;
using scrape::OtherSdConfig;
using scrape::StaticConfig;
using scrape::TargetGroup;

using Configs = std::vector<DiscoveryConfig>;

struct Targets {
  using Value = std::vector<scrape::LabelMap>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::vector<std::string> addresses;
    RETURN_IF_ERROR(Texts::Read(d, node, &addresses));
    out->clear();
    for (std::string& address : addresses) out->push_back({{"__address__", std::move(address)}});
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) {
    YamlValue list = YamlValue::Sequence();
    for (const scrape::LabelMap& target : v) {
      const auto address = target.find("__address__");
      list.items.push_back(YamlValue::Text(address == target.end() ? "" : address->second));
    }
    return list;
  }
};

const Section<TargetGroup>& GroupSection() {
  static const Section<TargetGroup> section{
      "struct { Targets []string \"yaml:\\\"targets\\\"\"; Labels model.LabelSet "
      "\"yaml:\\\"labels\\\"\" }",
      {
          Key<Targets, &TargetGroup::targets>("targets", When::kAlways),
          Key<LabelSet, &TargetGroup::labels>("labels"),
      }};
  return section;
}

const Section<FileSdConfig>& FileSection() {
  static const Section<FileSdConfig> section{
      "file.plain",
      {
          Key<Texts, &FileSdConfig::files>("files", When::kAlways),
          Key<Duration, &FileSdConfig::refresh_interval_ms>("refresh_interval"),
      },
      [](FileSdConfig* config) { return config->Validate(); }};
  return section;
}

const Section<HttpSdConfig>& HttpSection() {
  static const Section<HttpSdConfig> section{
      "http.plain",
      WithInline<&HttpSdConfig::http>(
          std::vector<Field<HttpSdConfig>>(), HttpClientFields(),
          {Key<Duration, &HttpSdConfig::refresh_interval_ms>("refresh_interval"),
           Key<Url, &HttpSdConfig::url>("url", When::kAlways)}),
      [](HttpSdConfig* config) { return config->Validate(); }};
  return section;
}

const Section<DnsSdConfig>& DnsSection() {
  static const Section<DnsSdConfig> section{
      "dns.plain",
      {
          Key<Texts, &DnsSdConfig::names>("names", When::kAlways),
          Key<Duration, &DnsSdConfig::refresh_interval_ms>("refresh_interval"),
          Key<Text, &DnsSdConfig::type>("type", When::kAlways),
          Key<Int, &DnsSdConfig::port>("port", When::kAlways),
      },
      [](DnsSdConfig* config) { return config->Validate(); }};
  return section;
}

std::string KeyOf(std::string_view kind) {
  return kind == "static" ? "static_configs" : std::string(kind) + "_sd_configs";
}

// Walks the list below `key`; `read` takes one element.
template <typename Fn>
Status EachElement(Decoder& d, const YamlNode& node, std::string_view go_type,
                   const std::string& key, Fn read) {
  if (IsNull(node)) return OkStatus();
  if (node.kind != YamlKind::kSequence) {
    d.Mismatch(node, go_type);
    return OkStatus();
  }
  for (const YamlNode* item : node.items) {
    if (IsNull(*item)) return d.Refuse(*item, "empty or null section in " + key);
    RETURN_IF_ERROR(read(*item));
  }
  return OkStatus();
}

Status ReadStatic(Decoder& d, const YamlNode& node, Configs* out) {
  StaticConfig all;
  RETURN_IF_ERROR(
      EachElement(d, node, "[]*targetgroup.Group", "static_configs", [&](const YamlNode& item) {
        TargetGroup group;
        group.source = std::to_string(all.groups.size());
        RETURN_IF_ERROR(ReadSection(d, item, GroupSection(), &group));
        all.groups.push_back(std::move(group));
        return OkStatus();
      }));
  if (!all.groups.empty()) out->push_back(std::move(all));
  return OkStatus();
}

std::optional<YamlValue> PrintStatic(const Configs& configs) {
  YamlValue list = YamlValue::Sequence();
  for (const DiscoveryConfig& config : configs) {
    const auto* fixed = std::get_if<StaticConfig>(&config);
    if (fixed == nullptr) continue;
    for (const TargetGroup& group : fixed->groups) {
      list.items.push_back(PrintSection(GroupSection(), group));
    }
  }
  return list.items.empty() ? std::nullopt : std::optional(std::move(list));
}

// A kind with a struct of its own.
template <typename S>
Field<Configs> Typed(std::string_view key, const Section<S>& (*section)()) {
  return Field<Configs>{key,
                        [key, section](Decoder& d, const YamlNode& node, Configs* out) {
                          return EachElement(
                              d, node, "[]*" + std::string(section().go_type), std::string(key),
                              [&](const YamlNode& item) {
                                S config;
                                RETURN_IF_ERROR(ReadSection(d, item, section(), &config));
                                out->push_back(std::move(config));
                                return OkStatus();
                              });
                        },
                        [section](const Configs& configs) -> std::optional<YamlValue> {
                          YamlValue list = YamlValue::Sequence();
                          for (const DiscoveryConfig& config : configs) {
                            if (const S* one = std::get_if<S>(&config)) {
                              list.items.push_back(PrintSection(section(), *one));
                            }
                          }
                          return list.items.empty() ? std::nullopt : std::optional(std::move(list));
                        }};
}

// A kind described by a schema, kept as the text of its section.
Field<Configs> Described(std::string_view key, const SdSchema& schema) {
  return Field<Configs>{
      key,
      [key, &schema](Decoder& d, const YamlNode& node, Configs* out) {
        return EachElement(d, node, "[]*" + std::string(schema.go_type), std::string(key),
                           [&](const YamlNode& item) {
                             SdRecord record(schema);
                             RETURN_IF_ERROR(record.Read(d, item));
                             out->push_back(OtherSdConfig{std::string(schema.kind), record.Text()});
                             return OkStatus();
                           });
      },
      [&schema](const Configs& configs) -> std::optional<YamlValue> {
        YamlValue list = YamlValue::Sequence();
        for (const DiscoveryConfig& config : configs) {
          const auto* other = std::get_if<OtherSdConfig>(&config);
          if (other == nullptr || other->kind != schema.kind) continue;
          Result<SdRecord> record = ParseSdRecord(*other);
          if (record.ok()) list.items.push_back(record->Print());
        }
        return list.items.empty() ? std::nullopt : std::optional(std::move(list));
      }};
}

std::vector<Field<Configs>> MakeFields() {
  // Field names are views; the keys live as long as the process.
  static std::vector<std::string> keys;
  std::vector<Field<Configs>> fields = {
      Field<Configs>{"static_configs", ReadStatic, PrintStatic},
      Typed<FileSdConfig>("file_sd_configs", FileSection),
      Typed<HttpSdConfig>("http_sd_configs", HttpSection),
      Typed<DnsSdConfig>("dns_sd_configs", DnsSection),
  };
  keys.reserve(SdSchemas().size());
  for (const SdSchema* schema : SdSchemas()) {
    fields.push_back(Described(keys.emplace_back(KeyOf(schema->kind)), *schema));
  }
  std::ranges::sort(fields, {}, &Field<Configs>::name);
  return fields;
}

}  // namespace

const std::vector<Field<Configs>>& DiscoveryFields() {
  static const std::vector<Field<Configs>> fields = MakeFields();
  return fields;
}

void SortDiscovery(Configs* configs) {
  std::ranges::stable_sort(*configs, [](const DiscoveryConfig& a, const DiscoveryConfig& b) {
    const bool a_static = std::holds_alternative<StaticConfig>(a);
    const bool b_static = std::holds_alternative<StaticConfig>(b);
    if (a_static != b_static) return b_static;
    return KeyOf(scrape::DiscoveryName(a)) < KeyOf(scrape::DiscoveryName(b));
  });
}

}  // namespace deucalion::config
