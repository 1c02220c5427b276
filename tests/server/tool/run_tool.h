// A command line of deutool, and what its user sees.
#ifndef DEUCALION_TESTS_SERVER_TOOL_RUN_TOOL_H_
#define DEUCALION_TESTS_SERVER_TOOL_RUN_TOOL_H_

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "server/tool/tool.h"

namespace deucalion::tool {

struct ToolRun {
  int exit_code = -1;
  std::string out;
  std::string err;
};

inline ToolRun Deutool(std::vector<std::string> args, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  ToolRun run;
  run.exit_code = RunTool(std::move(args), "deutool, version test\n", {in, out, err});
  run.out = out.str();
  run.err = err.str();
  return run;
}

inline void WriteFile(const std::string& path, const std::string& text) {
  const Status status = FileSystem::Posix()->WriteFileAtomically(path, text);
  ASSERT_TRUE(status.ok()) << status.message();
}

}  // namespace deucalion::tool

#endif  // DEUCALION_TESTS_SERVER_TOOL_RUN_TOOL_H_
