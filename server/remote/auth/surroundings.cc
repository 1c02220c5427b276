#include "server/remote/auth/surroundings.h"

#include <cstdlib>
#include <utility>

#include "base/file_system.h"

namespace deucalion::remote {

Surroundings Surroundings::OfProcess() {
  return {.environment =
              [](const char* variable) {
                const char* const value = std::getenv(variable);
                return std::string(value == nullptr ? "" : value);
              },
          .file = [](const std::string& path) -> std::optional<std::string> {
            auto text = FileSystem::Posix()->ReadFile(path);
            if (!text.ok()) return std::nullopt;
            return std::move(*text);
          }};
}

}  // namespace deucalion::remote
