// deutool query …
#include <CLI/CLI.hpp>

#include "server/config/units.h"
#include "server/tool/commands.h"
#include "server/tool/flag_checks.h"
#include "server/tool/query.h"

namespace deucalion::tool {
namespace {

// Flags of the group; they apply to every command in it.
struct GroupFlags {
  std::string format = "promql";
  std::string http_config_file;
};
using GroupFlagsPtr = std::shared_ptr<GroupFlags>;

template <typename Args>
void OnChosen(CLI::App* command, CommandLine* line, const GroupFlagsPtr& flags,
              std::shared_ptr<Args> args, int (*run)(const Args&, const Streams&)) {
  command->callback([line, flags, args, run] {
    line->chosen = [flags, args, run](const GlobalFlags&, const Streams& io) {
      args->format = flags->format == "json" ? QueryFormat::kJson : QueryFormat::kPromql;
      args->server.http_config_file = flags->http_config_file;
      return run(*args, io);
    };
  });
}

template <typename Args>
void AddServer(CLI::App* command, Args* args) {
  command->add_option("server", args->server.url, "Prometheus server to query.")->required();
}

template <typename Args>
void AddTimes(CLI::App* command, Args* args) {
  command->add_option("--start", args->start, "Start time (RFC3339 or Unix timestamp).");
  command->add_option("--end", args->end, "End time (RFC3339 or Unix timestamp).");
}

// Each use of the flag takes one selector.
template <typename Args>
CLI::Option* AddMatchers(CLI::App* command, Args* args) {
  return command
      ->add_option("--match", args->matchers, "Series selector. Can be specified multiple times.")
      ->allow_extra_args(false);
}

void AddInstant(CLI::App* group, CommandLine* line, const GroupFlagsPtr& flags) {
  auto args = std::make_shared<QueryInstantArgs>();
  CLI::App* command = group->add_subcommand("instant", "Run instant query.");
  AddServer(command, args.get());
  command->add_option("expr", args->expr, "PromQL query expression.")->required();
  command->add_option("--time", args->time, "Query evaluation time (RFC3339 or Unix timestamp).");
  OnChosen(command, line, flags, args, QueryInstant);
}

void AddRange(CLI::App* group, CommandLine* line, const GroupFlagsPtr& flags) {
  auto args = std::make_shared<QueryRangeArgs>();
  CLI::App* command = group->add_subcommand("range", "Run range query.");
  AddServer(command, args.get());
  command->add_option("expr", args->expr, "PromQL query expression.")->required();
  AddTimes(command, args.get());
  command
      ->add_option_function<std::string>(
          "--step",
          [args](const std::string& text) {
            // Checked before.
            args->step_ns = config::ParseGoDuration(text).value_or(0);
          },
          "Query step size (duration).")
      ->check(GoDuration);
  command
      ->add_option_function<std::vector<std::string>>(
          "--header",
          [args](const std::vector<std::string>& headers) {
            for (const std::string& header : headers) {
              const size_t end = header.find_first_of(":=");
              args->server.headers.emplace_back(header.substr(0, end), header.substr(end + 1));
            }
          },
          "Extra headers to send to server.")
      ->allow_extra_args(false)
      ->check(KeyValue);
  OnChosen(command, line, flags, args, QueryRange);
}

void AddSeries(CLI::App* group, CommandLine* line, const GroupFlagsPtr& flags) {
  auto args = std::make_shared<QuerySeriesArgs>();
  CLI::App* command = group->add_subcommand("series", "Run series query.");
  AddServer(command, args.get());
  AddMatchers(command, args.get())->required();
  AddTimes(command, args.get());
  OnChosen(command, line, flags, args, QuerySeries);
}

void AddLabels(CLI::App* group, CommandLine* line, const GroupFlagsPtr& flags) {
  auto args = std::make_shared<QueryLabelsArgs>();
  CLI::App* command = group->add_subcommand("labels", "Run labels query.");
  AddServer(command, args.get());
  command->add_option("name", args->name, "Label name to provide label values for.")->required();
  AddMatchers(command, args.get());
  AddTimes(command, args.get());
  OnChosen(command, line, flags, args, QueryLabels);
}

}  // namespace

void AddQueryCommands(CLI::App* root, CommandLine* line) {
  CLI::App* group = root->add_subcommand("query", "Run query against a Prometheus server.");
  group->require_subcommand(1);
  auto flags = std::make_shared<GroupFlags>();
  group->add_option("-o,--format", flags->format, "Output format of the query.")
      ->capture_default_str()
      ->check(CLI::IsMember({"promql", "json"}));
  group->add_option("--http.config.file", flags->http_config_file, kHttpConfigHelp)
      ->check(ExistingPath);
  AddInstant(group, line, flags);
  AddRange(group, line, flags);
  AddSeries(group, line, flags);
  AddLabels(group, line, flags);
  AddUnsupported(group, line, "analyze",
                 "Run queries against your Prometheus to analyze the usage pattern of certain "
                 "metrics.");
}

}  // namespace deucalion::tool
