// deutool query …
#include <CLI/CLI.hpp>

#include "server/tool/commands.h"

namespace deucalion::tool {

void AddQueryCommands(CLI::App* root, CommandLine* line) {
  CLI::App* group = root->add_subcommand("query", "Run query against a Prometheus server.");
  group->require_subcommand(1);
  AddUnsupported(group, line, "analyze",
                 "Run queries against your Prometheus to analyze the usage pattern of certain "
                 "metrics.");
}

}  // namespace deucalion::tool
