// check rules: whether rule files would load, and lint of their rules.
#ifndef DEUCALION_SERVER_TOOL_CHECK_RULES_H_
#define DEUCALION_SERVER_TOOL_CHECK_RULES_H_

#include <string>
#include <vector>

#include "promql/parser/parser.h"
#include "server/tool/rule_lint.h"
#include "server/tool/streams.h"

namespace deucalion::tool {

struct RuleCheckOptions {
  RuleLint lint;
  bool ignore_unknown_fields = false;
  promql::ParserOptions promql;
};

struct CheckRulesArgs {
  std::vector<std::string> files;  // none: standard input
  std::string lint = "duplicate-rules";
  bool lint_fatal = false;
  bool ignore_unknown_fields = false;
  promql::ParserOptions promql;
};

// How checking went so far. Lint findings alone are a failure, not an error.
struct Verdict {
  bool failed = false;
  bool has_errors = false;

  void Error() { failed = has_errors = true; }
  void Lint() { failed = true; }
  int ExitCode(bool lint_fatal) const;
};

// Reports on each file.
void CheckRuleFiles(const std::vector<std::string>& files, const RuleCheckOptions& options,
                    const Streams& io, Verdict* verdict);

int CheckRules(const CheckRulesArgs& args, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_CHECK_RULES_H_
