#include "server/tool/rule_lint.h"

#include <algorithm>

#include "model/value.h"
#include "server/tool/text.h"

namespace deucalion::tool {

RuleLint ParseRuleLint(std::string_view options, std::ostream& out) {
  RuleLint lint;
  if (options.empty()) return lint;
  for (const std::string_view option : SplitCommas(options)) {
    if (option == "all" || option == "duplicate-rules") {
      lint.duplicate_rules = true;
    } else if (option != "none") {
      out << "WARNING: unknown lint option: " << GoQuote(option) << "\n";
    }
  }
  return lint;
}

ConfigLint ParseConfigLint(std::string_view options, int64_t lookback_delta_ms, std::ostream& out) {
  ConfigLint lint;
  std::string rule_options;
  for (const std::string_view option : SplitCommas(options)) {
    if (option == "none") return ConfigLint();
    if (option == "all" || option == "too-long-scrape-interval") {
      lint.lookback_delta_ms = lookback_delta_ms;
    }
    if (option != "too-long-scrape-interval") {
      rule_options += (rule_options.empty() ? "" : ",") + std::string(option);
    }
  }
  lint.rules = ParseRuleLint(rule_options, out);
  return lint;
}

std::vector<DuplicateRule> FindDuplicateRules(const std::vector<config::RuleGroup>& groups) {
  std::vector<DuplicateRule> rules;
  for (const config::RuleGroup& group : groups) {
    for (const config::Rule& rule : group.rules) {
      DuplicateRule& entry = rules.emplace_back();
      entry.metric = rule.alert.empty() ? rule.record : rule.alert;
      entry.labels = rule.labels;
      entry.labels.insert(group.labels.begin(), group.labels.end());
    }
  }
  std::sort(rules.begin(), rules.end());
  std::vector<DuplicateRule> duplicates;
  for (size_t i = 1; i < rules.size(); ++i) {
    if (rules[i] != rules[i - 1]) continue;
    if (duplicates.empty() || duplicates.back() != rules[i]) duplicates.push_back(rules[i]);
  }
  return duplicates;
}

std::string DescribeDuplicates(const std::vector<DuplicateRule>& duplicates) {
  if (duplicates.empty()) return "";
  std::string text = std::to_string(duplicates.size()) + " duplicate rule(s) found.\n";
  for (const DuplicateRule& rule : duplicates) {
    text += "Metric: " + rule.metric + "\nLabel(s):\n";
    for (const auto& [name, value] : rule.labels) text += "\t" + name + ": " + value + "\n";
  }
  return text + "Might cause inconsistency while recording expressions";
}

}  // namespace deucalion::tool
