// Which lint checks a user wants, and the check for rules that overwrite each other.
#ifndef DEUCALION_SERVER_TOOL_RULE_LINT_H_
#define DEUCALION_SERVER_TOOL_RULE_LINT_H_

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/rule_file.h"

namespace deucalion::tool {

struct RuleLint {
  bool duplicate_rules = false;
};

struct ConfigLint {
  RuleLint rules;
  int64_t lookback_delta_ms = 0;  // 0: scrape intervals are not looked at
};

// `options` is the comma separated value of --lint: all, duplicate-rules, none. Others are warned
// about on `out`.
RuleLint ParseRuleLint(std::string_view options, std::ostream& out);
// Also too-long-scrape-interval; "none" anywhere turns everything off.
ConfigLint ParseConfigLint(std::string_view options, int64_t lookback_delta_ms, std::ostream& out);

// A name together with labels that more than one rule of a file has.
struct DuplicateRule {
  std::string metric;
  std::map<std::string, std::string> labels;  // with those of the group
  friend auto operator<=>(const DuplicateRule&, const DuplicateRule&) = default;
};
// Sorted, each once.
std::vector<DuplicateRule> FindDuplicateRules(const std::vector<config::RuleGroup>& groups);
// What is said of them; "" when there are none.
std::string DescribeDuplicates(const std::vector<DuplicateRule>& duplicates);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_RULE_LINT_H_
