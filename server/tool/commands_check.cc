// deutool check …
#include <CLI/CLI.hpp>

#include "server/config/units.h"
#include "server/tool/check_config.h"
#include "server/tool/check_metrics.h"
#include "server/tool/check_rules.h"
#include "server/tool/check_server.h"
#include "server/tool/commands.h"
#include "server/tool/flag_checks.h"

namespace deucalion::tool {
namespace {

constexpr char kIgnoreUnknownHelp[] =
    "Ignore unknown fields in the rule groups. This is useful when rule files are extended with "
    "custom metadata; the server itself performs strict checks.";
constexpr char kMetricsHelp[] =
    "Pass Prometheus metrics over stdin to lint them for consistency and correctness, and "
    "optionally perform cardinality analysis.\n\n"
    "examples:\n\n"
    "$ cat metrics.prom | deutool check metrics\n\n"
    "$ curl -s http://localhost:9090/metrics | deutool check metrics --extended\n\n"
    "$ curl -s http://localhost:9100/metrics | deutool check metrics --extended --lint=none";

void AddConfig(CLI::App* group, CommandLine* line, const std::shared_ptr<std::string>& lookback) {
  auto args = std::make_shared<CheckConfigArgs>();
  CLI::App* command =
      group->add_subcommand("config", "Check if the config files are valid or not.");
  command->add_option("config-files", args->files, "The config files to check.")
      ->required()
      ->check(ExistingPath);
  command->add_flag("--syntax-only", args->syntax_only,
                    "Only check the config file syntax, ignoring file and content validation "
                    "referenced in the config");
  command
      ->add_option("--lint", args->lint,
                   "Linting checks to apply to the rules/scrape configs specified in the config. "
                   "Available options are: all, duplicate-rules, none, too-long-scrape-interval. "
                   "Use --lint=none to disable linting")
      ->capture_default_str();
  command->add_flag("--lint-fatal", args->lint_fatal, "Make lint errors exit with exit code 3.");
  command->add_flag("--ignore-unknown-fields", args->ignore_unknown_fields, kIgnoreUnknownHelp);
  command->add_flag("--agent", args->agent, "Check config file for Prometheus in Agent mode.");
  command->callback([line, args, lookback] {
    line->chosen = [args, lookback](const GlobalFlags& global, const Streams& io) {
      args->promql = global.promql;
      // Checked while parsing.
      args->lookback_delta_ms =
          config::ParseGoDuration(*lookback).value_or(300'000'000'000) / 1'000'000;
      return CheckConfig(*args, io);
    };
  });
}

void AddRules(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<CheckRulesArgs>();
  CLI::App* command = group->add_subcommand("rules", "Check if the rule files are valid or not.");
  command
      ->add_option("rule-files", args->files,
                   "The rule files to check, default is read from standard input.")
      ->check(ExistingPath);
  command
      ->add_option("--lint", args->lint,
                   "Linting checks to apply. Available options are: all, duplicate-rules, none. "
                   "Use --lint=none to disable linting")
      ->capture_default_str();
  command->add_flag("--lint-fatal", args->lint_fatal, "Make lint errors exit with exit code 3.");
  command->add_flag("--ignore-unknown-fields", args->ignore_unknown_fields, kIgnoreUnknownHelp);
  command->callback([line, args] {
    line->chosen = [args](const GlobalFlags& global, const Streams& io) {
      args->promql = global.promql;
      return CheckRules(*args, io);
    };
  });
}

void AddMetrics(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<CheckMetricsArgs>();
  CLI::App* command = group->add_subcommand("metrics", kMetricsHelp);
  command->add_flag("--extended", args->extended,
                    "Print extended information related to the cardinality of the metrics.");
  command
      ->add_option("--lint", args->lint,
                   "Linting checks to apply for metrics. Available options are: all, none. Use "
                   "--lint=none to disable metrics linting.")
      ->capture_default_str();
  command->callback([line, args] {
    line->chosen = [args](const GlobalFlags&, const Streams& io) {
      return CheckMetrics(*args, io);
    };
  });
}

void AddWebConfig(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<CheckWebConfigArgs>();
  CLI::App* command =
      group->add_subcommand("web-config", "Check if the web config files are valid or not.");
  command->add_option("web-config-files", args->files, "The config files to check.")
      ->required()
      ->check(ExistingPath);
  command->callback([line, args] {
    line->chosen = [args](const GlobalFlags&, const Streams& io) {
      return CheckWebConfig(*args, io);
    };
  });
}

void AddServer(CLI::App* group, CommandLine* line, const std::string& name, const std::string& help,
               const std::string& path) {
  auto args = std::make_shared<CheckServerArgs>();
  args->path = path;
  CLI::App* command = group->add_subcommand(name, help);
  command->add_option("--http.config.file", args->server.http_config_file, kHttpConfigHelp)
      ->check(ExistingPath);
  command->add_option("--url", args->server.url, "The URL for the Prometheus server.")
      ->capture_default_str();
  command->callback([line, args] {
    line->chosen = [args](const GlobalFlags&, const Streams& io) { return CheckServer(*args, io); };
  });
}

}  // namespace

void AddCheckCommands(CLI::App* root, CommandLine* line) {
  CLI::App* group = root->add_subcommand("check", "Check the resources for validity.");
  group->require_subcommand(1);
  auto lookback = std::make_shared<std::string>("5m");
  group
      ->add_option("--query.lookback-delta", *lookback,
                   "The server's maximum query lookback duration.")
      ->capture_default_str()
      ->check(GoDuration);
  AddConfig(group, line, lookback);
  AddWebConfig(group, line);
  AddServer(group, line, "healthy", "Check if the Prometheus server is healthy.", "/-/healthy");
  AddServer(group, line, "ready", "Check if the Prometheus server is ready.", "/-/ready");
  AddRules(group, line);
  AddMetrics(group, line);
  AddUnsupported(group, line, "service-discovery",
                 "Perform service discovery for the given job name and report the results, "
                 "including relabeling.");
}

}  // namespace deucalion::tool
