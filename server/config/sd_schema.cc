#include "server/config/sd_schema.h"

#include <algorithm>

#include "server/config/sections.h"

namespace deucalion::config {
namespace {

// Bridges between codecs, which work on typed values, and the text a record keeps.
template <typename Codec>
Status ReadAs(Decoder& d, const YamlNode& node, std::string* out) {
  typename Codec::Value value{};
  const size_t before = d.mismatches();
  RETURN_IF_ERROR(Codec::Read(d, node, &value));
  if (d.mismatches() == before) *out = Codec::Print(value).text;
  return OkStatus();
}

const std::vector<std::string> kNoTexts;
const std::vector<SdRecord> kNoGroups;
const std::string kNoText;

}  // namespace

SdRecord::SdRecord(const SdSchema& schema) : schema_(&schema) {
  for (const SdField& field : schema.fields) {
    values_[field.name].text = field.default_text;
  }
}

Status SdRecord::ReadField(Decoder& d, const SdField& field, const YamlNode& node) {
  Value& value = values_[field.name];
  switch (field.type) {
    case SdType::kText:
    case SdType::kSecret:
    case SdType::kFile:
      return Text::Read(d, node, &value.text);
    case SdType::kUrl:
      return Url::Read(d, node, &value.text);
    case SdType::kInt:
      return ReadAs<Int>(d, node, &value.text);
    case SdType::kBool:
      return ReadAs<Bool>(d, node, &value.text);
    case SdType::kDuration:
      return ReadAs<Duration>(d, node, &value.text);
    case SdType::kTexts:
      return Texts::Read(d, node, &value.list);
    case SdType::kTextMap:
      return TextMap::Read(d, node, &value.map);
    case SdType::kTls:
      return ReadSection(d, node, TlsSection(), &value.tls);
    case SdType::kGroup:
      value.groups.assign(1, SdRecord(*field.group));
      return value.groups[0].Read(d, node);
    case SdType::kGroups:
      value.groups.clear();
      if (IsNull(node)) return OkStatus();
      if (node.kind != YamlKind::kSequence) {
        d.Mismatch(node, "[]" + std::string(field.group->go_type));
        return OkStatus();
      }
      for (const YamlNode* item : node.items) {
        RETURN_IF_ERROR(value.groups.emplace_back(*field.group).Read(d, *item));
      }
      return OkStatus();
    case SdType::kHttp:
      return OkStatus();
  }
  return OkStatus();
}

Status SdRecord::Read(Decoder& d, const YamlNode& node) {
  // A section made for this record, so that reading is the same as everywhere.
  Section<SdRecord> section{schema_->go_type, {}};
  for (const SdField& field : schema_->fields) {
    if (field.type == SdType::kHttp) {
      section.fields = WithInline<&SdRecord::http_>(std::move(section.fields), HttpClientFields());
      continue;
    }
    section.fields.push_back({field.name,
                              [&field](Decoder& d, const YamlNode& value, SdRecord* record) {
                                return record->ReadField(d, field, value);
                              },
                              nullptr});
  }
  const size_t before = d.mismatches();
  RETURN_IF_ERROR(ReadSection(d, node, section, this));
  if (d.mismatches() != before) return OkStatus();
  if (schema_->check != nullptr) RETURN_IF_ERROR(d.Refuse(node, schema_->check(*this)));
  return d.Refuse(node, http_.Validate());
}

const std::string& SdRecord::Get(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? kNoText : it->second.text;
}

const std::vector<std::string>& SdRecord::List(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? kNoTexts : it->second.list;
}

const std::vector<SdRecord>& SdRecord::Groups(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? kNoGroups : it->second.groups;
}

void SdRecord::SetDirectory(const std::string& dir) {
  for (const SdField& field : schema_->fields) {
    Value& value = values_[field.name];
    if (field.type == SdType::kFile) value.text = scrape::JoinConfigDir(dir, value.text);
    if (field.type == SdType::kTls) value.tls.SetDirectory(dir);
  }
  http_.SetDirectory(dir);
}

bool SdRecord::IsEmpty(const SdField& field, const Value& value) const {
  switch (field.type) {
    case SdType::kInt:
      return value.text.empty() || value.text == "0";
    case SdType::kBool:
      return value.text != "true";
    case SdType::kDuration:
      return value.text.empty() || value.text == "0s";
    case SdType::kGroup:
      return value.groups.empty() || value.groups[0].IsZero();
    default:
      return value == Value();
  }
}

bool SdRecord::IsZero() const {
  return std::ranges::all_of(schema_->fields, [this](const SdField& field) {
    return field.type == SdType::kHttp || IsEmpty(field, values_.find(field.name)->second);
  });
}

YamlValue SdRecord::PrintField(const SdField& field, const Value& value, bool all) const {
  switch (field.type) {
    case SdType::kText:
    case SdType::kFile:
      return YamlValue::Text(value.text);
    case SdType::kSecret:
      return Secret::Print(value.text);
    case SdType::kUrl:
      return Url::Print(value.text);
    case SdType::kInt:
      return YamlValue::Bare(value.text.empty() ? "0" : value.text);
    case SdType::kBool:
      return YamlValue::Bool(value.text == "true");
    case SdType::kDuration:
      return YamlValue::Text(value.text.empty() ? "0s" : value.text);
    case SdType::kTexts:
      return Texts::Print(value.list);
    case SdType::kTextMap:
      return TextMap::Print(value.map);
    case SdType::kTls:
      return PrintSection(TlsSection(), value.tls);
    case SdType::kGroup:
      return value.groups.empty() ? SdRecord(*field.group).Print(all) : value.groups[0].Print(all);
    case SdType::kGroups: {
      YamlValue list = YamlValue::Sequence();
      for (const SdRecord& group : value.groups) list.items.push_back(group.Print(all));
      return list;
    }
    case SdType::kHttp:
      break;
  }
  return YamlValue::Map();
}

YamlValue SdRecord::Print(bool all) const {
  YamlValue map = YamlValue::Map();
  for (const SdField& field : schema_->fields) {
    if (field.type == SdType::kHttp) {
      for (const auto& http_field : HttpClientFields()) {
        if (auto value = http_field.print(http_)) map.Add(http_field.name, *std::move(value));
      }
      continue;
    }
    const Value& value = values_.find(field.name)->second;
    if (!all && field.when == When::kNotEmpty && IsEmpty(field, value)) continue;
    map.Add(field.name, PrintField(field, value, all));
  }
  return map;
}

const SdSchema* FindSdSchema(std::string_view kind) {
  for (const SdSchema* schema : SdSchemas()) {
    if (schema->kind == kind) return schema;
  }
  return nullptr;
}

Result<SdRecord> ParseSdRecord(const scrape::OtherSdConfig& config) {
  const SdSchema* schema = FindSdSchema(config.kind);
  if (schema == nullptr) return NotFoundError("service discovery " + config.kind);
  ASSIGN_OR_RETURN(const YamlDocument document, YamlDocument::Parse(config.yaml));
  Decoder d;
  SdRecord record(*schema);
  RETURN_IF_ERROR(d.Finish(config.kind, record.Read(d, document.root())));
  return record;
}

void SetSdDirectory(const std::string& dir, scrape::DiscoveryConfig* config) {
  auto* other = std::get_if<scrape::OtherSdConfig>(config);
  if (other == nullptr) return;
  Result<SdRecord> record = ParseSdRecord(*other);
  if (!record.ok()) return;
  record->SetDirectory(dir);
  other->yaml = record->Text();
}

}  // namespace deucalion::config
