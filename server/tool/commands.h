// The command line of deutool: each Add… function hangs one group of commands below the root.
//
// Parsing chooses a command, running it comes afterwards: flags of the whole tool may stand behind
// the command's name, as with promtool.
#ifndef DEUCALION_SERVER_TOOL_COMMANDS_H_
#define DEUCALION_SERVER_TOOL_COMMANDS_H_

#include <functional>
#include <string>
#include <vector>

#include "promql/parser/parser.h"
#include "server/tool/streams.h"

namespace CLI {
class App;
}  // namespace CLI

namespace deucalion::tool {

// Of every command.
struct GlobalFlags {
  bool experimental = false;
  std::vector<std::string> features;  // of --enable-feature, comma separated each
  promql::ParserOptions promql;       // what they mean; set before the command runs
};

struct CommandLine {
  GlobalFlags global;
  std::function<int(const GlobalFlags&, const Streams&)> chosen;
};

void AddCheckCommands(CLI::App* root, CommandLine* line);
void AddQueryCommands(CLI::App* root, CommandLine* line);
void AddPromqlCommands(CLI::App* root, CommandLine* line);
void AddTestCommands(CLI::App* root, CommandLine* line);
// tsdb_commands.cc; the commands themselves stand in tsdb_<command>.cc.
void AddTsdbCommands(CLI::App* root, CommandLine* line);

// A command that fails with "<name>: not supported yet", whatever its arguments.
void AddUnsupported(CLI::App* group, CommandLine* line, const std::string& name,
                    const std::string& help);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_COMMANDS_H_
