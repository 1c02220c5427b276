#include <iostream>

#include "server/build_info.h"
#include "server/tool/tool.h"

int main(int argc, char** argv) {
  const std::string version = deucalion::config::VersionText(deucalion::CurrentBuild(), "deutool");
  return deucalion::tool::RunTool({argv + 1, argv + argc}, version,
                                  {std::cin, std::cout, std::cerr});
}
