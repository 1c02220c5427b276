#include "server/tool/check_config.h"

#include "base/file_system.h"
#include "model/duration.h"
#include "model/value.h"
#include "server/config/config.h"
#include "server/config/glob.h"
#include "server/config/web_config.h"
#include "server/tool/check_rules.h"
#include "server/tool/check_targets.h"

namespace deucalion::tool {
namespace {

// `what` says what the file is for.
Status CheckFileExists(const std::string& path, const std::string& what) {
  if (path.empty()) return OkStatus();
  return FileSystem::Posix()->Stat(path).TakeStatus().WithContext("error checking " + what + " " +
                                                                  GoQuote(path));
}

// The files that `patterns` name. A name without a wildcard must exist.
Result<std::vector<std::string>> ExpandRuleFiles(const std::vector<std::string>& patterns) {
  std::vector<std::string> all;
  for (const std::string& pattern : patterns) {
    const std::vector<std::string> paths = config::Glob(pattern);
    if (paths.empty() && pattern.find('*') == std::string::npos) {
      return NotFoundError(GoQuote(pattern) + " does not point to an existing file");
    }
    all.insert(all.end(), paths.begin(), paths.end());
  }
  return all;
}

Status CheckClientFiles(const scrape::HttpClientConfig& http) {
  if (http.authorization) {
    RETURN_IF_ERROR(CheckFileExists(http.authorization->credentials_file,
                                    "authorization credentials or bearer token file"));
  }
  RETURN_IF_ERROR(CheckFileExists(http.tls_config.cert_file, "client cert file"));
  return CheckFileExists(http.tls_config.key_file, "client key file");
}

Status CheckJob(const scrape::ScrapeConfig& job, bool syntax_only, std::ostream& out) {
  if (!syntax_only) RETURN_IF_ERROR(CheckClientFiles(job.http));
  const TargetCheck check{
      .group = [&job](const scrape::TargetGroup& group) { return CheckScrapeGroup(job, group); },
      .owner = "scrape job " + GoQuote(job.job_name),
      .syntax_only = syntax_only};
  for (const scrape::DiscoveryConfig& sd : job.discovery) {
    RETURN_IF_ERROR(CheckTargets(sd, check, out));
  }
  return OkStatus();
}

Status CheckAlertmanager(const config::AlertmanagerConfig& manager, bool syntax_only,
                         std::ostream& out) {
  const TargetCheck check{.group =
                              [&manager](const scrape::TargetGroup& group) {
                                return CheckAlertmanagerGroup(manager, group);
                              },
                          .owner = "alertmanager config",
                          .syntax_only = syntax_only};
  for (const scrape::DiscoveryConfig& sd : manager.discovery) {
    RETURN_IF_ERROR(CheckTargets(sd, check, out));
  }
  return OkStatus();
}

struct CheckedConfig {
  std::vector<std::string> rule_files;
  std::vector<scrape::ScrapeConfig> jobs;
};

Result<CheckedConfig> CheckOne(const std::string& path, const CheckConfigArgs& args,
                               const Streams& io) {
  config::LoadOptions options;
  options.agent = args.agent;
  options.read_scrape_files = !args.syntax_only;
  options.read_rule_files = false;
  ASSIGN_OR_RETURN(const config::Config config, config::LoadConfig(path, options));
  CheckedConfig checked;
  if (!args.syntax_only) {
    ASSIGN_OR_RETURN(checked.rule_files, ExpandRuleFiles(config.rule_files));
  }
  checked.jobs = config.AllScrapeConfigs();
  for (const scrape::ScrapeConfig& job : checked.jobs) {
    RETURN_IF_ERROR(CheckJob(job, args.syntax_only, io.out));
  }
  for (const config::AlertmanagerConfig& manager : config.alerting.alertmanagers) {
    RETURN_IF_ERROR(CheckAlertmanager(manager, args.syntax_only, io.out));
  }
  return checked;
}

void LintJobs(const std::vector<scrape::ScrapeConfig>& jobs, int64_t lookback_delta_ms,
              const Streams& io, Verdict* verdict) {
  if (lookback_delta_ms <= 0) return;
  for (const scrape::ScrapeConfig& job : jobs) {
    if (job.scrape_interval_ms < lookback_delta_ms) continue;
    io.err << "  FAILED: too long scrape interval found, data point will be marked as stale - job: "
           << job.job_name << ", interval: " << FormatDuration(job.scrape_interval_ms) << "\n";
    verdict->Lint();
    return;
  }
}

}  // namespace

int CheckConfig(const CheckConfigArgs& args, const Streams& io) {
  const ConfigLint lint = ParseConfigLint(args.lint, args.lookback_delta_ms, io.out);
  const RuleCheckOptions rule_options{.lint = lint.rules,
                                      .ignore_unknown_fields = args.ignore_unknown_fields,
                                      .promql = args.promql};
  Verdict verdict;
  for (const std::string& path : args.files) {
    io.out << "Checking " << path << "\n";
    const Result<CheckedConfig> checked = CheckOne(path, args, io);
    if (!checked.ok()) {
      io.err << "  FAILED: " << checked.status().message() << "\n";
      io.out << "\n";
      verdict.Error();
      continue;
    }
    if (!checked->rule_files.empty()) {
      io.out << "  SUCCESS: " << checked->rule_files.size() << " rule files found\n";
    }
    io.out << " SUCCESS: " << path << " is valid prometheus config file syntax\n\n";
    if (args.syntax_only) continue;
    LintJobs(checked->jobs, lint.lookback_delta_ms, io, &verdict);
    CheckRuleFiles(checked->rule_files, rule_options, io, &verdict);
  }
  return verdict.ExitCode(args.lint_fatal);
}

int CheckWebConfig(const CheckWebConfigArgs& args, const Streams& io) {
  int exit_code = kSuccess;
  for (const std::string& path : args.files) {
    const Result<std::string> text = FileSystem::Posix()->ReadFile(path);
    const Status status =
        text.ok() ? config::ParseWebConfig(path, *text).TakeStatus() : text.status();
    if (status.ok()) {
      io.err << path << " SUCCESS\n";
    } else {
      io.err << path << " FAILED: " << status.message() << "\n";
      exit_code = kFailure;
    }
  }
  return exit_code;
}

}  // namespace deucalion::tool
