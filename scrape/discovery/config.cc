#include "scrape/discovery/config.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "model/value.h"
#include "scrape/discovery/kinds.h"

namespace deucalion::scrape {
namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// ^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$
bool ValidFileSdName(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kExtensions = {".json", ".yml", ".yaml",
                                                                  ".JSON", ".YML", ".YAML"};
  const auto ext = std::ranges::find_if(kExtensions, [&](auto e) { return name.ends_with(e); });
  if (ext == kExtensions.end()) return false;
  name.remove_suffix(ext->size());
  const size_t star = name.find('*');
  return star == std::string_view::npos || name.find('/', star) == std::string_view::npos;
}

constexpr std::array<std::string_view, 37> kKinds = {
    "static",   "file",        "http",     "dns",       "kubernetes", "consul",      "nomad",
    "docker",   "dockerswarm", "aws",      "ec2",       "ecs",        "elasticache", "lightsail",
    "msk",      "rds",         "azure",    "gce",       "oci",        "openstack",   "digitalocean",
    "hetzner",  "linode",      "vultr",    "scaleway",  "ovhcloud",   "ionos",       "stackit",
    "outscale", "eureka",      "marathon", "serverset", "nerve",      "triton",      "uyuni",
    "puppetdb", "kuma"};

}  // namespace

bool IsKnownDiscoveryKind(std::string_view kind) {
  return !kind.empty() && std::ranges::find(kKinds, kind) != kKinds.end();
}

std::span<const std::string_view> KnownDiscoveryKinds() { return kKinds; }

Status CheckTargetAddress(std::string_view address) {
  if (address.find('/') == std::string_view::npos) return OkStatus();
  return InvalidArgumentError(GoQuote(address) + " is not a valid hostname");
}

Status FileSdConfig::Validate() const {
  if (files.empty()) {
    return InvalidArgumentError(
        "file service discovery config must contain at least one path name");
  }
  for (const std::string& name : files) {
    if (!ValidFileSdName(name)) {
      return InvalidArgumentError("path name " + GoQuote(name) +
                                  " is not valid for file discovery");
    }
  }
  return OkStatus();
}

Status HttpSdConfig::Validate() {
  if (url.empty()) return InvalidArgumentError("URL is missing");
  const size_t scheme_end = url.find("://");
  const std::string scheme = scheme_end == std::string::npos ? "" : url.substr(0, scheme_end);
  if (scheme != "http" && scheme != "https") {
    return InvalidArgumentError("URL scheme must be 'http' or 'https'");
  }
  const size_t host = scheme_end + 3;
  if (host >= url.size() || url.find_first_of("/?#", host) == host) {
    return InvalidArgumentError("host is missing in URL");
  }
  return http.Validate();
}

Status DnsSdConfig::Validate() {
  if (names.empty()) {
    return InvalidArgumentError("DNS-SD config must contain at least one SRV record name");
  }
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::toupper(c); });
  if (type == "SRV") return OkStatus();
  if (type != "A" && type != "AAAA" && type != "MX" && type != "NS") {
    return InvalidArgumentError("invalid DNS-SD records type " + type);
  }
  if (port == 0) {
    return InvalidArgumentError(
        "a port is required in DNS-SD configs for all record types except SRV");
  }
  return OkStatus();
}

std::string DiscoveryName(const DiscoveryConfig& config) {
  return std::visit(Overloaded{
                        [](const StaticConfig&) { return std::string("static"); },
                        [](const FileSdConfig&) { return std::string("file"); },
                        [](const HttpSdConfig&) { return std::string("http"); },
                        [](const DnsSdConfig&) { return std::string("dns"); },
                        [](const OtherSdConfig& other) { return other.kind; },
                    },
                    config);
}

void SetDirectory(const std::string& dir, DiscoveryConfig* config) {
  if (auto* file = std::get_if<FileSdConfig>(config)) {
    for (std::string& name : file->files) name = JoinConfigDir(dir, name);
  } else if (auto* http = std::get_if<HttpSdConfig>(config)) {
    http->http.SetDirectory(dir);
  }
}

}  // namespace deucalion::scrape
