// Checks of flag values: "" when the value is fine, else what is wrong with it, in kingpin's words.
#ifndef DEUCALION_SERVER_TOOL_FLAG_CHECKS_H_
#define DEUCALION_SERVER_TOOL_FLAG_CHECKS_H_

#include <string>

namespace deucalion::tool {

inline constexpr char kHttpConfigHelp[] =
    "HTTP client configuration file, see details at "
    "https://prometheus.io/docs/prometheus/latest/configuration/promtool";

std::string ExistingPath(const std::string& path);
// "1h30m", "1.5s".
std::string GoDuration(const std::string& text);
// "name=value" or "name:value".
std::string KeyValue(const std::string& text);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_FLAG_CHECKS_H_
