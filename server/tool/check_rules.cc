#include "server/tool/check_rules.h"

#include "base/file_system.h"
#include "server/tool/text.h"

namespace deucalion::tool {
namespace {

config::RuleChecks ChecksFor(const RuleCheckOptions& options) {
  config::RuleChecks checks;
  checks.ignore_unknown_fields = options.ignore_unknown_fields;
  checks.expression = [promql = options.promql](std::string_view text) {
    return promql::Parse(text, promql).TakeStatus();
  };
  return checks;
}

size_t CountRules(const config::RuleFile& file) {
  size_t count = 0;
  for (const config::RuleGroup& group : file.groups) count += group.rules.size();
  return count;
}

void Report(const Result<config::RuleFile>& file, const RuleCheckOptions& options,
            const Streams& io, Verdict* verdict) {
  if (!file.ok()) {
    verdict->Error();
    io.err << "  FAILED:\n" << file.status().message() << "\n";
    return;
  }
  std::string duplicates;
  if (options.lint.duplicate_rules) {
    duplicates = DescribeDuplicates(FindDuplicateRules(file->groups));
  }
  if (duplicates.empty()) {
    io.out << "  SUCCESS: " << CountRules(*file) << " rules found\n";
  } else {
    verdict->Lint();
    io.err << "  FAILED:\nlint error " << duplicates << "\n";
  }
  io.out << "\n";
}

Result<config::RuleFile> ReadRuleFile(const std::string& path, const RuleCheckOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, FileSystem::Posix()->ReadFile(path));
  return config::ParseRuleFile(path, text, ChecksFor(options));
}

}  // namespace

int Verdict::ExitCode(bool lint_fatal) const {
  if (has_errors) return kFailure;
  return failed && lint_fatal ? kLintFailure : kSuccess;
}

void CheckRuleFiles(const std::vector<std::string>& files, const RuleCheckOptions& options,
                    const Streams& io, Verdict* verdict) {
  for (const std::string& path : files) {
    io.out << "Checking " << path << "\n";
    Report(ReadRuleFile(path, options), options, io, verdict);
  }
}

int CheckRules(const CheckRulesArgs& args, const Streams& io) {
  const RuleCheckOptions options{.lint = ParseRuleLint(args.lint, io.out),
                                 .ignore_unknown_fields = args.ignore_unknown_fields,
                                 .promql = args.promql};
  Verdict verdict;
  if (args.files.empty()) {
    io.out << "Checking standard input\n";
    Report(config::ParseRuleFile("", ReadAll(io.in), ChecksFor(options)), options, io, &verdict);
  } else {
    CheckRuleFiles(args.files, options, io, &verdict);
  }
  return verdict.ExitCode(args.lint_fatal);
}

}  // namespace deucalion::tool
