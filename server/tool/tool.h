// deutool: what promtool is to Prometheus, command by command and flag by flag.
//
// The commands are plain functions (check_config.h, query.h, …) that know nothing of command lines.
// commands.h ties them to CLI11; a group of commands is one file commands_<group>.cc.
#ifndef DEUCALION_SERVER_TOOL_TOOL_H_
#define DEUCALION_SERVER_TOOL_TOOL_H_

#include <string>
#include <vector>

#include "server/tool/streams.h"

namespace deucalion::tool {

// Runs one command line (without the program's name) and returns the exit code. `version` is what
// --version prints.
int RunTool(std::vector<std::string> args, const std::string& version, const Streams& io);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_TOOL_H_
