// Relabelling. Rules work on a LabelsBuilder in place. Two behaviours that surprise: a replace
// whose result is empty deletes the target label, and hashmod takes the last eight bytes of the MD5
// sum, big-endian, because shards of existing installations depend on it.
#include "scrape/relabel.h"

#include <locale.h>
#include <openssl/evp.h>
#include <wctype.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "model/value.h"

namespace deucalion::scrape {
namespace {

constexpr std::array<std::pair<RelabelAction, std::string_view>, 11> kActions = {{
    {RelabelAction::kReplace, "replace"},
    {RelabelAction::kKeep, "keep"},
    {RelabelAction::kDrop, "drop"},
    {RelabelAction::kKeepEqual, "keepequal"},
    {RelabelAction::kDropEqual, "dropequal"},
    {RelabelAction::kHashMod, "hashmod"},
    {RelabelAction::kLabelMap, "labelmap"},
    {RelabelAction::kLabelDrop, "labeldrop"},
    {RelabelAction::kLabelKeep, "labelkeep"},
    {RelabelAction::kLowercase, "lowercase"},
    {RelabelAction::kUppercase, "uppercase"},
}};

bool HasVariable(std::string_view text) { return text.find('$') != std::string_view::npos; }

bool ValidLabelName(std::string_view name, NameValidation scheme) {
  return scheme == NameValidation::kLegacy ? IsLegacyLabelName(name) : IsValidLabelName(name);
}

bool ValidNameTemplate(std::string_view text, NameValidation scheme) {
  if (scheme == NameValidation::kUtf8) return IsValidLabelName(text);
  static const Result<Regex> kLegacyTarget =
      Regex::Compile(R"((?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+)");
  return kLegacyTarget.ok() && kLegacyTarget->Matches(text);
}

uint64_t Md5Tail(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr);
  uint64_t tail = 0;
  for (int i = 8; i < 16; ++i) tail = tail << 8 | digest[i];
  return tail;
}

// Decodes one code point of valid UTF-8 at *i; returns it and moves *i past it.
uint32_t DecodeRune(std::string_view s, size_t* i) {
  const auto byte = [&](size_t k) { return static_cast<uint8_t>(s[k]); };
  const uint8_t lead = byte(*i);
  const int extra = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  uint32_t rune = lead & (0x3f >> extra);
  ++*i;
  for (int k = 0; k < extra && *i < s.size(); ++k) rune = rune << 6 | (byte((*i)++) & 0x3f);
  return rune;
}

void AppendRune(std::string* out, uint32_t r) {
  if (r < 0x80) {
    out->push_back(static_cast<char>(r));
  } else if (r < 0x800) {
    out->push_back(static_cast<char>(0xc0 | r >> 6));
    out->push_back(static_cast<char>(0x80 | (r & 0x3f)));
  } else if (r < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | r >> 12));
    out->push_back(static_cast<char>(0x80 | (r >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (r & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | r >> 18));
    out->push_back(static_cast<char>(0x80 | (r >> 12 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (r >> 6 & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (r & 0x3f)));
  }
}

// Unicode simple case mapping, as Go's strings.ToLower and ToUpper.
std::string MapCase(std::string_view text, bool upper) {
  static const locale_t kUnicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  std::string out;
  out.reserve(text.size());
  const bool utf8 = IsValidUtf8(text);
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80 || !utf8 || kUnicode == nullptr) {
      out.push_back(static_cast<char>(c >= 0x80 ? c : upper ? std::toupper(c) : std::tolower(c)));
      ++i;
      continue;
    }
    const wint_t rune = DecodeRune(text, &i);
    AppendRune(&out, upper ? towupper_l(rune, kUnicode) : towlower_l(rune, kUnicode));
  }
  return out;
}

void Replace(const RelabelConfig& rule, const std::string& value, LabelsBuilder* labels) {
  const bool target_is_template = HasVariable(rule.target_label);
  const bool replacement_is_template = HasVariable(rule.replacement);
  std::string target;
  std::string result;
  const Regex& regex = rule.compiled[0];
  if (target_is_template) {
    if (!regex.Expand(value, rule.target_label, &target)) return;
  } else {
    target = rule.target_label;
  }
  if (replacement_is_template) {
    if (!regex.Expand(value, rule.replacement, &result)) return;
  } else {
    if (!target_is_template && !regex.Matches(value)) return;
    result = rule.replacement;
  }
  if (!ValidLabelName(target, rule.scheme)) return;
  labels->Set(target, result);  // an empty result deletes
}

std::vector<std::string> LabelNames(const LabelsBuilder& labels) {
  std::vector<std::string> names;
  names.reserve(labels.pairs().size());
  for (const auto& [name, value] : labels.pairs()) names.push_back(name);
  return names;
}

void RemoveLabels(const Regex& regex, bool remove_matching, LabelsBuilder* labels) {
  for (const std::string& name : LabelNames(*labels)) {
    if (regex.Matches(name) == remove_matching) labels->Delete(name);
  }
}

void MapLabels(const RelabelConfig& rule, LabelsBuilder* labels) {
  const std::vector<std::pair<std::string, std::string>> before = labels->pairs();
  std::string name;
  for (const auto& [old_name, value] : before) {
    name.clear();
    if (rule.compiled[0].Expand(old_name, rule.replacement, &name)) labels->Set(name, value);
  }
}

std::string SourceValue(const RelabelConfig& rule, const LabelsBuilder& labels) {
  std::string value;
  for (size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) value += rule.separator;
    value += labels.Get(rule.source_labels[i]);
  }
  return value;
}

bool ApplyRule(const RelabelConfig& rule, LabelsBuilder* labels) {
  const std::string value = SourceValue(rule, *labels);
  const Regex& regex = rule.compiled[0];
  switch (rule.action) {
    case RelabelAction::kDrop:
      return !regex.Matches(value);
    case RelabelAction::kKeep:
      return regex.Matches(value);
    case RelabelAction::kDropEqual:
      return labels->Get(rule.target_label) != value;
    case RelabelAction::kKeepEqual:
      return labels->Get(rule.target_label) == value;
    case RelabelAction::kReplace:
      Replace(rule, value, labels);
      return true;
    case RelabelAction::kLowercase:
      labels->Set(rule.target_label, MapCase(value, /*upper=*/false));
      return true;
    case RelabelAction::kUppercase:
      labels->Set(rule.target_label, MapCase(value, /*upper=*/true));
      return true;
    case RelabelAction::kHashMod:
      labels->Set(rule.target_label, std::to_string(Md5Tail(value) % rule.modulus));
      return true;
    case RelabelAction::kLabelMap:
      MapLabels(rule, labels);
      return true;
    case RelabelAction::kLabelDrop:
      RemoveLabels(regex, /*remove_matching=*/true, labels);
      return true;
    case RelabelAction::kLabelKeep:
      RemoveLabels(regex, /*remove_matching=*/false, labels);
      return true;
  }
  return true;
}

bool NeedsTarget(RelabelAction a) {
  return a == RelabelAction::kReplace || a == RelabelAction::kHashMod ||
         a == RelabelAction::kLowercase || a == RelabelAction::kUppercase ||
         a == RelabelAction::kKeepEqual || a == RelabelAction::kDropEqual;
}

bool ForbidsReplacement(RelabelAction a) {
  return NeedsTarget(a) && a != RelabelAction::kReplace && a != RelabelAction::kHashMod;
}

Status InvalidField(const std::string& value, std::string_view field, std::string_view action) {
  return InvalidArgumentError(GoQuote(value) + " is invalid '" + std::string(field) + "' for " +
                              std::string(action) + " action");
}

}  // namespace

std::string_view RelabelActionText(RelabelAction action) {
  for (const auto& [a, text] : kActions) {
    if (a == action) return text;
  }
  return "";
}

Result<RelabelAction> ParseRelabelAction(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const auto& [action, name] : kActions) {
    if (lower == name) return action;
  }
  return InvalidArgumentError("unknown relabel action " + GoQuote(text));
}

Status RelabelConfig::Validate(NameValidation name_scheme) {
  const std::string name(RelabelActionText(action));
  scheme = name_scheme;
  if (modulus == 0 && action == RelabelAction::kHashMod) {
    return InvalidArgumentError("relabel configuration for hashmod requires non-zero modulus");
  }
  if (NeedsTarget(action) && target_label.empty()) {
    return InvalidArgumentError("relabel configuration for " + name +
                                " action requires 'target_label' value");
  }
  if (NeedsTarget(action)) {
    const bool is_template = action == RelabelAction::kReplace && HasVariable(target_label);
    if (is_template ? !ValidNameTemplate(target_label, scheme)
                    : !ValidLabelName(target_label, scheme)) {
      return InvalidField(target_label, "target_label", name);
    }
  }
  const RelabelConfig defaults;
  if (ForbidsReplacement(action) && replacement != defaults.replacement) {
    return InvalidArgumentError("'replacement' can not be set for " + name + " action");
  }
  if (action == RelabelAction::kLabelMap && !ValidNameTemplate(replacement, scheme)) {
    return InvalidField(replacement, "replacement", name);
  }
  const bool other_fields = modulus != defaults.modulus || separator != defaults.separator ||
                            replacement != defaults.replacement;
  if ((action == RelabelAction::kDropEqual || action == RelabelAction::kKeepEqual) &&
      (!IsDefaultRegex() || other_fields)) {
    return InvalidArgumentError(
        name + " action requires only 'source_labels' and `target_label`, and no other fields");
  }
  if ((action == RelabelAction::kLabelDrop || action == RelabelAction::kLabelKeep) &&
      (!source_labels.empty() || !target_label.empty() || other_fields)) {
    return InvalidArgumentError(name + " action requires only 'regex', and no other fields");
  }
  ASSIGN_OR_RETURN(Regex regex_program, Regex::Compile(regex));
  compiled.assign(1, std::move(regex_program));
  return OkStatus();
}

bool Relabel(const std::vector<RelabelConfig>& rules, LabelsBuilder* labels) {
  return std::ranges::all_of(
      rules, [labels](const RelabelConfig& rule) { return ApplyRule(rule, labels); });
}

}  // namespace deucalion::scrape
