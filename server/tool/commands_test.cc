// deutool test …
#include "server/tool/commands.h"

#include <CLI/CLI.hpp>

namespace deucalion::tool {

void AddTestCommands(CLI::App* root, CommandLine* line) {
  CLI::App* group = root->add_subcommand("test", "Unit testing.");
  group->require_subcommand(1);
  AddUnsupported(group, line, "rules", "Unit tests for rules.");
}

}  // namespace deucalion::tool
