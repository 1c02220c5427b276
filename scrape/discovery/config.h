// What a scrape or alertmanager configuration says about where its targets come from.
// Plain values; equal configurations share one running provider across jobs and reloads.
#ifndef DEUCALION_SCRAPE_DISCOVERY_CONFIG_H_
#define DEUCALION_SCRAPE_DISCOVERY_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "scrape/http_client_config.h"

namespace deucalion::scrape {

using LabelMap = std::map<std::string, std::string>;

// A set of targets that share labels. `source` names it within its provider: a later group of the
// same source replaces it, an empty one removes it.
struct TargetGroup {
  std::vector<LabelMap> targets;  // each has __address__
  LabelMap labels;
  std::string source;
  friend bool operator==(const TargetGroup&, const TargetGroup&) = default;
};

// static_configs: groups written in the configuration itself (sources "0", "1", …).
struct StaticConfig {
  std::vector<TargetGroup> groups;
  friend bool operator==(const StaticConfig&, const StaticConfig&) = default;
};

struct FileSdConfig {
  std::vector<std::string> files;  // globs, extension json, yml or yaml
  int64_t refresh_interval_ms = 5 * 60 * 1000;

  Status Validate() const;
  friend bool operator==(const FileSdConfig&, const FileSdConfig&) = default;
};

struct HttpSdConfig {
  std::string url;
  int64_t refresh_interval_ms = 60 * 1000;
  HttpClientConfig http;

  Status Validate();
  friend bool operator==(const HttpSdConfig&, const HttpSdConfig&) = default;
};

struct DnsSdConfig {
  std::vector<std::string> names;
  int64_t refresh_interval_ms = 30 * 1000;
  std::string type = "SRV";  // A, AAAA, SRV, MX, NS
  int port = 0;              // needed for everything but SRV

  // Upper-cases the type.
  Status Validate();
  friend bool operator==(const DnsSdConfig&, const DnsSdConfig&) = default;
};

// Any other kind: its name ("kubernetes", "consul", …) and the YAML text of its section.
struct OtherSdConfig {
  std::string kind;
  std::string yaml;
  friend bool operator==(const OtherSdConfig&, const OtherSdConfig&) = default;
};

using DiscoveryConfig =
    std::variant<StaticConfig, FileSdConfig, HttpSdConfig, DnsSdConfig, OtherSdConfig>;

// "static", "file", "http", "dns" or the kind of the other.
std::string DiscoveryName(const DiscoveryConfig& config);
// Makes relative file paths relative to `dir`.
void SetDirectory(const std::string& dir, DiscoveryConfig* config);
// Whether Prometheus 3.14 has a section <kind>_sd_configs.
bool IsKnownDiscoveryKind(std::string_view kind);
// Error: "x" is not a valid hostname (a target address must not hold a '/').
Status CheckTargetAddress(std::string_view address);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_DISCOVERY_CONFIG_H_
