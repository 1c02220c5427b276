// Files by pattern, as rule_files, scrape_config_files and file_sd_configs name them.
#ifndef DEUCALION_SERVER_CONFIG_GLOB_H_
#define DEUCALION_SERVER_CONFIG_GLOB_H_

#include <string>
#include <vector>

namespace deucalion::config {

// Sorted; nothing when nothing matches or the pattern is malformed.
std::vector<std::string> Glob(const std::string& pattern);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_GLOB_H_
