// deucalion: reads the command line and runs the server.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "server/app.h"
#include "server/build_info.h"

// Read by jemalloc when it is linked. What is freed goes back to the system after a second, by a
// thread of jemalloc's own: a heavy query or a compaction must not decide how large the server
// stays. Few arenas: what a thread allocates itself is small and cached, and every arena keeps free
// pages of its own.
extern "C" {
const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,narenas:4";
}

namespace {

bool NamesConfigFile(const std::vector<std::string>& args) {
  for (const std::string& arg : args) {
    if (arg.starts_with("--config.file")) return true;
  }
  return false;
}

int TerminalColumns() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace deucalion;  // NOLINT: main stands outside of the namespace
  const std::vector<std::string> args(argv + 1, argv + argc);
  const config::BuildInfo build = CurrentBuild();
  config::CommandLine command_line =
      config::ParseCommandLine("deucalion", args, build, TerminalColumns());
  if (command_line.exit) {
    std::fputs(command_line.out.c_str(), stdout);
    std::fputs(command_line.err.c_str(), stderr);
    return command_line.exit_code;
  }
  const bool use_default =
      !NamesConfigFile(args) && !FileSystem::Posix()->Exists(command_line.flags.config_file);
  App app(std::move(command_line), build, use_default);
  return app.Run();
}
