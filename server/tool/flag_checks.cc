#include "server/tool/flag_checks.h"

#include "base/file_system.h"
#include "server/config/units.h"

namespace deucalion::tool {

std::string ExistingPath(const std::string& path) {
  return FileSystem::Posix()->Exists(path) ? "" : "path '" + path + "' does not exist";
}

std::string GoDuration(const std::string& text) {
  const Result<int64_t> duration = config::ParseGoDuration(text);
  return duration.ok() ? "" : duration.status().message();
}

std::string KeyValue(const std::string& text) {
  return text.find_first_of(":=") != std::string::npos ? ""
                                                       : "expected KEY=VALUE got '" + text + "'";
}

}  // namespace deucalion::tool
