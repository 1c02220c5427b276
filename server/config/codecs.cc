#include "server/config/codecs.h"

#include <cmath>

#include "model/duration.h"
#include "model/labels.h"
#include "server/config/go_url.h"
#include "server/config/units.h"

namespace deucalion::config {
namespace {

// Walks a map of arbitrary keys; `value` reads one entry.
template <typename Fn>
Status EachEntry(Decoder& d, const YamlNode& node, std::string_view go_type, Fn value) {
  if (IsNull(node)) return OkStatus();
  if (node.kind != YamlKind::kMap) {
    d.Mismatch(node, go_type);
    return OkStatus();
  }
  std::set<std::string> seen;
  for (const YamlPair& pair : MapPairs(node)) {
    std::string key;
    if (!ReadText(d, *pair.key, "string", &key)) continue;
    if (!seen.insert(key).second) {
      d.DuplicateKey(*pair.key);
      continue;
    }
    RETURN_IF_ERROR(value(pair, key));
  }
  return OkStatus();
}

YamlValue PrintTexts(const std::vector<std::string>& texts, bool secret) {
  YamlValue list = YamlValue::Sequence();
  for (const std::string& text : texts) {
    list.items.push_back(secret ? YamlValue::Secret(text) : YamlValue::Text(text));
  }
  return list;
}

YamlValue PrintTextsMap(const TextsMap::Value& map, bool secret) {
  YamlValue out = YamlValue::Map();
  for (const auto& [name, texts] : map) out.Add(name, PrintTexts(texts, secret));
  return out;
}

}  // namespace

bool ReadText(Decoder& d, const YamlNode& node, std::string_view go_type, std::string* out) {
  if (IsNull(node)) {
    out->clear();
    return true;
  }
  if (node.kind != YamlKind::kScalar) {
    d.Mismatch(node, go_type);
    return false;
  }
  *out = node.value;
  return true;
}

bool ReadBool(Decoder& d, const YamlNode& node, bool* out) {
  const YamlScalar scalar = node.kind == YamlKind::kScalar ? ResolveNode(node) : YamlScalar();
  if (IsNull(node)) {
    *out = false;
  } else if (node.kind != YamlKind::kScalar || scalar.type != YamlType::kBool) {
    d.Mismatch(node, "bool");
    return false;
  } else {
    *out = scalar.boolean;
  }
  return true;
}

bool ReadInteger(Decoder& d, const YamlNode& node, std::string_view go_type, int64_t min,
                 uint64_t max, int64_t* out) {
  if (IsNull(node)) {
    *out = 0;
    return true;
  }
  const YamlScalar scalar = node.kind == YamlKind::kScalar ? ResolveNode(node) : YamlScalar();
  if (scalar.type == YamlType::kInt) {
    const bool fits = scalar.negative
                          ? min < 0 && scalar.magnitude <= uint64_t{0} - static_cast<uint64_t>(min)
                          : scalar.magnitude <= max;
    if (fits) {
      *out =
          static_cast<int64_t>(scalar.negative ? uint64_t{0} - scalar.magnitude : scalar.magnitude);
      return true;
    }
  } else if (scalar.type == YamlType::kFloat && scalar.real >= static_cast<double>(min) &&
             scalar.real < static_cast<double>(max)) {
    *out = static_cast<int64_t>(scalar.real);  // yaml.v2 cuts off the fraction
    return true;
  }
  d.Mismatch(node, go_type);
  return false;
}

bool ReadFloat(Decoder& d, const YamlNode& node, double* out) {
  if (IsNull(node)) {
    *out = 0;
    return true;
  }
  const YamlScalar scalar = node.kind == YamlKind::kScalar ? ResolveNode(node) : YamlScalar();
  if (scalar.type != YamlType::kInt && scalar.type != YamlType::kFloat) {
    d.Mismatch(node, "float64");
    return false;
  }
  *out = scalar.real;
  return true;
}

Status ReadDurationMs(Decoder& d, const YamlNode& node, int64_t* out) {
  if (IsNull(node)) {
    *out = 0;
    return OkStatus();
  }
  std::string text;
  if (!ReadText(d, node, "string", &text)) return OkStatus();
  Result<int64_t> ms = ParseDuration(text);
  if (!ms.ok()) return d.Refuse(node, ms.TakeStatus());
  *out = *ms;
  return OkStatus();
}

Status ReadByteSize(Decoder& d, const YamlNode& node, int64_t* out) {
  if (IsNull(node)) {
    *out = 0;
    return OkStatus();
  }
  std::string text;
  if (!ReadText(d, node, "units.Base2Bytes", &text)) return OkStatus();
  Result<int64_t> bytes = ParseBytes(text);
  if (!bytes.ok()) return d.Refuse(node, bytes.TakeStatus());
  *out = *bytes;
  return OkStatus();
}

std::string DurationText(int64_t ms) { return FormatDuration(ms); }
std::string BytesText(int64_t bytes) { return FormatBytes(bytes); }

Status Url::Read(Decoder& d, const YamlNode& node, Value* out) {
  std::string text;
  if (!ReadText(d, node, "string", &text)) return OkStatus();
  const Result<GoUrl> url = ParseGoUrl(text);
  if (!url.ok()) return d.Refuse(node, url.status());
  *out = std::move(text);
  return OkStatus();
}

YamlValue Url::Print(const Value& v) {
  const std::string hidden = RedactUrl(v);
  // Kept whole where secrets are shown.
  return hidden == v ? YamlValue::Text(v) : YamlValue::SecretInside(v, hidden);
}

Status Texts::Read(Decoder& d, const YamlNode& node, Value* out) {
  out->clear();
  if (IsNull(node)) return OkStatus();
  if (node.kind != YamlKind::kSequence) {
    d.Mismatch(node, "[]string");
    return OkStatus();
  }
  for (const YamlNode* item : node.items) {
    std::string text;
    if (ReadText(d, *item, "string", &text)) out->push_back(std::move(text));
  }
  return OkStatus();
}

YamlValue Texts::Print(const Value& v) { return PrintTexts(v, false); }
YamlValue SecretTexts::Print(const Value& v) { return PrintTexts(v, true); }

Status TextMap::Read(Decoder& d, const YamlNode& node, Value* out) {
  out->clear();
  return EachEntry(d, node, "map[string]string", [&](const YamlPair& pair, const std::string& key) {
    ReadText(d, *pair.value, "string", &(*out)[key]);
    return OkStatus();
  });
}

YamlValue TextMap::Print(const Value& v) {
  YamlValue map = YamlValue::Map();
  for (const auto& [name, text] : v) map.Add(name, YamlValue::Text(text));
  return map;
}

Status TextsMap::Read(Decoder& d, const YamlNode& node, Value* out) {
  out->clear();
  return EachEntry(d, node, "url.Values", [&](const YamlPair& pair, const std::string& key) {
    return Texts::Read(d, *pair.value, &(*out)[key]);
  });
}

YamlValue TextsMap::Print(const Value& v) { return PrintTextsMap(v, false); }
YamlValue SecretsMap::Print(const Value& v) { return PrintTextsMap(v, true); }

Status LabelSet::Read(Decoder& d, const YamlNode& node, Value* out) {
  out->clear();
  return EachEntry(d, node, "model.LabelSet", [&](const YamlPair& pair, const std::string& key) {
    if (!IsValidLabelName(key)) {
      return d.Refuse(*pair.key, GoQuote(key) + " is not a valid label name");
    }
    ReadText(d, *pair.value, "string", &(*out)[key]);
    return OkStatus();
  });
}

}  // namespace deucalion::config
