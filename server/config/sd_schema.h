// SdSchema: what a section <kind>_sd_configs may hold, for the kinds of service discovery that have
// no struct of their own. A schema is data: names in upstream's order, types, defaults, and one
// check. From it follow reading, unknown fields, defaults and printing.
//
// SdRecord: one such section, read. Its effective text (defaults filled in, paths resolved, secrets
// included) is what scrape::OtherSdConfig carries; ParseSdRecord gives typed access to it again.
#ifndef DEUCALION_SERVER_CONFIG_SD_SCHEMA_H_
#define DEUCALION_SERVER_CONFIG_SD_SCHEMA_H_

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scrape/discovery/config.h"
#include "scrape/http_client_config.h"
#include "server/config/decoder.h"
#include "server/config/section.h"
#include "server/config/yaml_value.h"

namespace deucalion::config {

enum class SdType {
  kText,
  kSecret,
  kFile,  // text, a path relative to the configuration file
  kInt,
  kBool,
  kDuration,
  kTexts,
  kTextMap,
  kUrl,
  kHttp,    // the keys of an HTTP client, inline
  kTls,     // tls_config
  kGroup,   // a map with a schema of its own
  kGroups,  // a list of such maps
};

struct SdSchema;
class SdRecord;

struct SdField {
  std::string_view name;
  SdType type = SdType::kText;
  std::string_view default_text = {};
  When when = When::kNotEmpty;
  const SdSchema* group = nullptr;
};

struct SdSchema {
  std::string_view kind;
  std::string_view go_type;
  std::vector<SdField> fields;
  // Fails in upstream's words. May be null.
  Status (*check)(const SdRecord&) = nullptr;
};

// All of them, by kind.
std::span<const SdSchema* const> SdSchemas();
const SdSchema* FindSdSchema(std::string_view kind);

// Thread-compatible value. The schema must outlive it (all of ours live as long as the process).
class SdRecord {
 public:
  explicit SdRecord(const SdSchema& schema);

  Status Read(Decoder& d, const YamlNode& node);

  // "" and false for what is not set.
  const std::string& Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  bool IsTrue(std::string_view name) const { return Get(name) == "true"; }
  const std::vector<std::string>& List(std::string_view name) const;
  const std::vector<SdRecord>& Groups(std::string_view name) const;
  const scrape::HttpClientConfig& http() const { return http_; }

  void SetDirectory(const std::string& dir);
  // As it is shown: what equals its zero value may be left out, though its default is another.
  YamlValue Print() const { return Print(false); }
  // Everything, with secrets: reads back to the same record. Not for display.
  std::string Text() const { return WriteYaml(Print(true), Secrets::kShown); }

 private:
  struct Value {
    std::string text;
    std::vector<std::string> list;
    std::map<std::string, std::string> map;
    std::vector<SdRecord> groups;
    scrape::TlsConfig tls;
    friend bool operator==(const Value&, const Value&) = default;
  };

  friend bool operator==(const SdRecord& a, const SdRecord& b) {
    return a.schema_ == b.schema_ && a.values_ == b.values_ && a.http_ == b.http_;
  }

  Status ReadField(Decoder& d, const SdField& field, const YamlNode& node);
  YamlValue Print(bool all) const;
  bool IsZero() const;
  bool IsEmpty(const SdField& field, const Value& value) const;
  YamlValue PrintField(const SdField& field, const Value& value, bool all) const;

  const SdSchema* schema_;
  std::map<std::string_view, Value> values_;
  scrape::HttpClientConfig http_;
};

// From the text an OtherSdConfig carries.
Result<SdRecord> ParseSdRecord(const scrape::OtherSdConfig& config);

// Resolves the file names of one section.
void SetSdDirectory(const std::string& dir, scrape::DiscoveryConfig* config);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_SD_SCHEMA_H_
