// Rule files: groups of recording and alerting rules, read and checked in the words of Prometheus's
// rulefmt. PromQL and templates are checked by functions of the caller, as this room knows neither.
#ifndef DEUCALION_SERVER_CONFIG_RULE_FILE_H_
#define DEUCALION_SERVER_CONFIG_RULE_FILE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "scrape/relabel.h"

namespace deucalion::config {

struct Rule {
  std::string record;  // one of record and alert is set
  std::string alert;
  std::string expr;
  int64_t for_ms = 0;
  int64_t keep_firing_for_ms = 0;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  friend bool operator==(const Rule&, const Rule&) = default;
};

struct RuleGroup {
  std::string name;
  int64_t interval_ms = 0;                 // 0: the global evaluation interval
  std::optional<int64_t> query_offset_ms;  // unset: the global one
  int limit = 0;                           // 0: none
  std::vector<Rule> rules;
  std::map<std::string, std::string> labels;
  friend bool operator==(const RuleGroup&, const RuleGroup&) = default;
};

struct RuleFile {
  std::string path;
  std::vector<RuleGroup> groups;
  friend bool operator==(const RuleFile&, const RuleFile&) = default;
};

struct RuleChecks {
  scrape::NameValidation names = scrape::NameValidation::kUtf8;
  std::function<Status(std::string_view)> expression;
  std::function<Status(std::string_view)> text_template;
  // Files with keys of other tools in them; the server never ignores any.
  bool ignore_unknown_fields = false;
};

// Every mistake is reported, one per line: path: line:column: group "g", rule 1, "name": what. An
// empty path is left out.
Result<RuleFile> ParseRuleFile(const std::string& path, std::string_view text,
                               const RuleChecks& checks);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_RULE_FILE_H_
