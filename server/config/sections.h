// The sections of the configuration file that several others contain.
#ifndef DEUCALION_SERVER_CONFIG_SECTIONS_H_
#define DEUCALION_SERVER_CONFIG_SECTIONS_H_

#include <string>
#include <string_view>
#include <vector>

#include "scrape/discovery/config.h"
#include "scrape/http_client_config.h"
#include "scrape/relabel.h"
#include "scrape/scrape_config.h"
#include "server/config/codecs.h"
#include "server/config/section.h"

namespace deucalion::config {

const Section<scrape::TlsConfig>& TlsSection();
// The keys of an HTTP client, to stand among those of its owner.
const std::vector<Field<scrape::HttpClientConfig>>& HttpClientFields();
const Section<scrape::RelabelConfig>& RelabelSection();
const Section<scrape::ScrapeConfig>& ScrapeSection();

// static_configs and every <kind>_sd_configs, to stand among the keys of their owner.
const std::vector<Field<std::vector<scrape::DiscoveryConfig>>>& DiscoveryFields();
// Brings the parts into upstream's order: by key, static targets last.
void SortDiscovery(std::vector<scrape::DiscoveryConfig>* configs);

// Lists of relabelling rules; they differ in what is said of a null rule.
inline constexpr std::string_view kRelabelList = "[]*relabel.Config";
inline constexpr ListWords kTargetRelabel{kRelabelList,
                                          "empty or null target relabeling rule in scrape config"};
inline constexpr ListWords kMetricRelabel{kRelabelList,
                                          "empty or null metric relabeling rule in scrape config"};
inline constexpr ListWords kAlertRelabel{kRelabelList, "empty or null alert relabeling rule"};
inline constexpr ListWords kAlertmanagerRelabel{
    kRelabelList, "empty or null Alertmanager target relabeling rule"};
inline constexpr ListWords kAlertmanagerAlertRelabel{
    kRelabelList, "empty or null Alertmanager alert relabeling rule"};
inline constexpr ListWords kWriteRelabel{kRelabelList,
                                         "empty or null relabeling rule in remote write config"};
template <const ListWords& Words>
using RelabelList = List<scrape::RelabelConfig, RelabelSection, Words>;

// Scrape protocols by name.
struct Protocols {
  using Value = std::optional<std::vector<scrape::ScrapeProtocol>>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out);
  static bool Empty(const Value& v) { return !v.has_value() || v->empty(); }
  static YamlValue Print(const Value& v);
};

// utf8 or legacy. An empty text changes nothing.
struct ValidationScheme {
  using Value = scrape::NameValidation;
  static Status Read(Decoder& d, const YamlNode& node, Value* out);
  static bool Empty(Value) { return false; }
  static YamlValue Print(Value v);
};

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_SECTIONS_H_
