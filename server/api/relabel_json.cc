#include "server/api/relabel_json.h"

#include "server/api/json.h"

namespace deucalion::api {

void AppendRelabelRule(std::string* out, const scrape::RelabelConfig& rule) {
  JsonObject o(out);
  if (!rule.source_labels.empty()) {
    o.Key("source_labels");
    JsonArray labels(out);
    for (const std::string& name : rule.source_labels) labels.String(name);
    labels.Close();
  }
  o.String("separator", rule.separator);
  o.String("regex", rule.regex);
  if (rule.modulus != 0) o.Uint("modulus", rule.modulus);
  if (!rule.target_label.empty()) o.String("target_label", rule.target_label);
  o.String("replacement", rule.replacement);
  o.String("action", scrape::RelabelActionText(rule.action));
  o.Close();
}

}  // namespace deucalion::api
