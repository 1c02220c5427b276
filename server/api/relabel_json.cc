#include "server/api/relabel_json.h"

#include "server/api/json.h"

namespace deucalion::api {

void AppendRelabelRule(std::string* out, const scrape::RelabelConfig& rule) {
  JsonObject o(out);
  if (!rule.source_labels.empty()) {
    o.Key("sourceLabels");
    JsonArray labels(out);
    for (const std::string& name : rule.source_labels) labels.String(name);
    labels.Close();
  }
  if (!rule.separator.empty()) o.String("separator", rule.separator);
  o.String("regex", rule.regex);
  if (rule.modulus != 0) o.Uint("modulus", rule.modulus);
  if (!rule.target_label.empty()) o.String("targetLabel", rule.target_label);
  if (!rule.replacement.empty()) o.String("replacement", rule.replacement);
  o.String("action", scrape::RelabelActionText(rule.action));
  o.Close();
}

}  // namespace deucalion::api
