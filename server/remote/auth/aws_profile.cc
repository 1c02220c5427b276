#include "server/remote/auth/aws_profile.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace deucalion::remote {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The keys of one section of an ini file.
AwsProfile IniSection(std::string_view text, std::string_view wanted_section) {
  AwsProfile keys;
  bool inside = false;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = Trim(line);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line.front() == '[' && line.back() == ']') {
      inside = Trim(line.substr(1, line.size() - 2)) == wanted_section;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    keys[std::string(Trim(line.substr(0, equals)))] = Trim(line.substr(equals + 1));
  }
  return keys;
}

}  // namespace

AwsProfile ReadAwsProfile(const std::string& name, const Surroundings& surroundings) {
  const std::string home = surroundings.environment("HOME");
  const auto path = [&](const char* variable, const char* file) {
    const std::string set = surroundings.environment(variable);
    return set.empty() ? home + "/.aws/" + file : set;
  };
  AwsProfile keys;
  const std::string section = name == "default" ? name : "profile " + name;
  if (const auto text = surroundings.file(path("AWS_CONFIG_FILE", "config"))) {
    keys = IniSection(*text, section);
  }
  if (const auto text = surroundings.file(path("AWS_SHARED_CREDENTIALS_FILE", "credentials"))) {
    for (auto& [key, value] : IniSection(*text, name)) keys[key] = std::move(value);
  }
  return keys;
}

}  // namespace deucalion::remote
