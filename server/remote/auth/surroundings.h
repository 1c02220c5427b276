// What of the machine decides who we are for others: variables and files that tools of clouds use.
#ifndef DEUCALION_SERVER_REMOTE_AUTH_SURROUNDINGS_H_
#define DEUCALION_SERVER_REMOTE_AUTH_SURROUNDINGS_H_

#include <functional>
#include <optional>
#include <string>

namespace deucalion::remote {

struct Surroundings {
  // Empty when not set.
  std::function<std::string(const char* variable)> environment;
  // Nothing when it cannot be read.
  std::function<std::optional<std::string>(const std::string& path)> file;

  static Surroundings OfProcess();
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_SURROUNDINGS_H_
