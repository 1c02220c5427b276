// The kinds of service discovery by name, for those who list them. The texts live as long as the
// process.
#ifndef DEUCALION_SCRAPE_DISCOVERY_KINDS_H_
#define DEUCALION_SCRAPE_DISCOVERY_KINDS_H_

#include <span>
#include <string_view>
#include <vector>

namespace deucalion::scrape {

// Those that Prometheus 3.14 has a section <kind>_sd_configs for.
std::span<const std::string_view> KnownDiscoveryKinds();
// Those that NewDiscoverer can make.
std::vector<std::string_view> DiscoveryKindsWithMachinery();

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_DISCOVERY_KINDS_H_
