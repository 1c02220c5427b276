// deutool promql …
#include <CLI/CLI.hpp>

#include "server/tool/commands.h"
#include "server/tool/edit_promql.h"

namespace deucalion::tool {
namespace {

// All of them are experimental.
template <typename Args>
void OnChosen(CLI::App* command, CommandLine* line, std::shared_ptr<Args> args,
              int (*run)(const Args&, const Streams&)) {
  command->callback([line, args, run] {
    line->chosen = [args, run](const GlobalFlags& global, const Streams& io) {
      if (!global.experimental) {
        io.err << "This command is experimental and requires the --experimental flag to be set.\n";
        return kFailure;
      }
      args->promql = global.promql;
      return run(*args, io);
    };
  });
}

void AddFormat(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<FormatPromqlArgs>();
  CLI::App* command =
      group->add_subcommand("format", "Format PromQL query to pretty printed form.");
  command->add_option("query", args->query, "PromQL query.")->required();
  OnChosen(command, line, args, FormatPromql);
}

void AddSet(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<SetMatcherArgs>();
  CLI::App* command = group->add_subcommand("set", "Set a label matcher in the query.");
  command->add_option("-t,--type", args->type, "Type of the label matcher to set.")
      ->capture_default_str()
      ->check(CLI::IsMember({"=", "!=", "=~", "!~"}));
  command->add_option("query", args->query, "PromQL query.")->required();
  command->add_option("name", args->name, "Name of the label matcher to set.")->required();
  command->add_option("value", args->value, "Value of the label matcher to set.")->required();
  OnChosen(command, line, args, SetMatcher);
}

void AddDelete(CLI::App* group, CommandLine* line) {
  auto args = std::make_shared<DeleteMatcherArgs>();
  CLI::App* command = group->add_subcommand("delete", "Delete a label from the query.");
  command->add_option("query", args->query, "PromQL query.")->required();
  command->add_option("name", args->name, "Name of the label to delete.")->required();
  OnChosen(command, line, args, DeleteMatcher);
}

}  // namespace

void AddPromqlCommands(CLI::App* root, CommandLine* line) {
  CLI::App* group = root->add_subcommand(
      "promql", "PromQL formatting and editing. Requires the --experimental flag.");
  group->require_subcommand(1);
  AddFormat(group, line);
  CLI::App* matchers = group->add_subcommand(
      "label-matchers", "Edit label matchers contained within an existing PromQL query.");
  matchers->require_subcommand(1);
  AddSet(matchers, line);
  AddDelete(matchers, line);
}

}  // namespace deucalion::tool
