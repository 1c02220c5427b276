// The fingerprint of a configuration: what --config.auto-reload compares to see that a file
// changed.
#ifndef DEUCALION_SERVER_CONFIG_FILE_FINGERPRINT_H_
#define DEUCALION_SERVER_CONFIG_FILE_FINGERPRINT_H_

#include <cstdint>
#include <string>

#include "base/file_system.h"
#include "base/status.h"

namespace deucalion::config {

// Changes with the content of the file at `path`, and with the names and contents of the files that
// its rule_files and scrape_config_files match. Nothing is checked beyond that: a file that
// Prometheus would refuse has a fingerprint too, as long as it is YAML.
Result<uint64_t> FileFingerprint(const std::string& path,
                                 FileSystem* file_system = FileSystem::Posix());

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_FILE_FINGERPRINT_H_
