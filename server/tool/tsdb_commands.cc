// deutool tsdb … A command comes with two lines here and a file tsdb_<command>.cc of its own.
#include <CLI/CLI.hpp>

#include "server/tool/commands.h"

namespace deucalion::tool {

void AddTsdbCommands(CLI::App* root, CommandLine* line) {
  CLI::App* group = root->add_subcommand("tsdb", "Run tsdb commands.");
  group->require_subcommand(1);
  AddUnsupported(group, line, "bench", "Run benchmarks.");
  AddUnsupported(group, line, "analyze",
                 "Analyze churn, label pair cardinality and compaction efficiency.");
  AddUnsupported(group, line, "list", "List tsdb blocks.");
  AddUnsupported(group, line, "dump",
                 "Dump data (series+samples or optionally just series) from a TSDB.");
  AddUnsupported(group, line, "dump-openmetrics",
                 "Dump samples from a TSDB into OpenMetrics text format.");
  AddUnsupported(group, line, "create-blocks-from",
                 "Import samples from input and produce TSDB blocks.");
}

}  // namespace deucalion::tool
