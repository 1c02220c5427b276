// relabel_configs and its relatives: one rule.
#include "model/labels.h"
#include "server/config/sections.h"

namespace deucalion::config {
namespace {

using scrape::RelabelAction;
using scrape::RelabelConfig;

struct Action {
  using Value = RelabelAction;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (!ReadText(d, node, "string", &text)) return OkStatus();
    if (IsNull(node)) {
      return d.Refuse(node, InvalidArgumentError("relabel action cannot be empty"));
    }
    Result<RelabelAction> action = scrape::ParseRelabelAction(text);
    if (!action.ok()) return d.Refuse(node, action.TakeStatus());
    *out = *action;
    return OkStatus();
  }
  static bool Empty(Value) { return false; }
  static YamlValue Print(Value v) { return YamlValue::Text(scrape::RelabelActionText(v)); }
};

// Compiled when it is read, so that a mistake is reported at the expression itself.
struct RegexText {
  using Value = std::string;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (!ReadText(d, node, "string", &text)) return OkStatus();
    const Result<Regex> regex = Regex::Compile(text);
    if (!regex.ok()) return d.Refuse(node, regex.status());
    *out = std::move(text);
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v == RelabelConfig::kDefaultRegex; }
  static YamlValue Print(const Value& v) {
    return v.empty() ? YamlValue::Bare("null") : YamlValue::Text(v);
  }
};

struct LabelNames {
  using Value = std::vector<std::string>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    out->clear();
    if (IsNull(node)) return OkStatus();
    if (node.kind != YamlKind::kSequence) {
      d.Mismatch(node, "model.LabelNames");
      return OkStatus();
    }
    for (const YamlNode* item : node.items) {
      std::string name;
      if (!ReadText(d, *item, "string", &name)) continue;
      if (!IsValidLabelName(name)) {
        return d.Refuse(*item, GoQuote(name) + " is not a valid label name");
      }
      out->push_back(std::move(name));
    }
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.empty(); }
  static YamlValue Print(const Value& v) {
    YamlValue list = Texts::Print(v);
    list.flow = true;
    return list;
  }
};

}  // namespace

const Section<RelabelConfig>& RelabelSection() {
  static const Section<RelabelConfig> section{
      "relabel.plain",
      {
          Key<LabelNames, &RelabelConfig::source_labels>("source_labels"),
          Key<Text, &RelabelConfig::separator>("separator"),
          Key<RegexText, &RelabelConfig::regex>("regex"),
          Key<Uint, &RelabelConfig::modulus>("modulus"),
          Key<Text, &RelabelConfig::target_label>("target_label"),
          Key<Text, &RelabelConfig::replacement>("replacement"),
          Key<Action, &RelabelConfig::action>("action"),
      },
      [](RelabelConfig* rule) { return rule->Validate(); }};
  return section;
}

}  // namespace deucalion::config
