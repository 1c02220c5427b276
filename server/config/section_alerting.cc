// alerting: where alerts go.
#include "server/config/config_sections.h"

namespace deucalion::config {
namespace {

struct ApiVersion {
  using Value = std::string;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (!ReadText(d, node, "config.plain", &text)) return OkStatus();
    if (text != "v2") {
      return d.Refuse(node, "expected Alertmanager api version to be one of [v2] but got " + text);
    }
    *out = std::move(text);
    return OkStatus();
  }
  static bool Empty(const Value&) { return false; }
  static YamlValue Print(const Value& v) { return YamlValue::Text(v); }
};

Status FinishAlertmanager(AlertmanagerConfig* config) {
  SortDiscovery(&config->discovery);
  RETURN_IF_ERROR(config->http.Validate());
  const bool http_auth =
      config->http.basic_auth || config->http.authorization || config->http.oauth2;
  if (http_auth && config->sigv4) {
    return InvalidArgumentError(
        "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured");
  }
  if (!config->relabel_configs.empty()) return OkStatus();
  for (const scrape::DiscoveryConfig& sd : config->discovery) {
    const auto* fixed = std::get_if<scrape::StaticConfig>(&sd);
    if (fixed == nullptr) continue;
    for (const scrape::TargetGroup& group : fixed->groups) {
      for (const scrape::LabelMap& target : group.targets) {
        const auto address = target.find("__address__");
        if (address != target.end()) {
          RETURN_IF_ERROR(scrape::CheckTargetAddress(address->second));
        }
      }
    }
  }
  return OkStatus();
}

const Section<AlertmanagerConfig>& AlertmanagerSection() {
  using A = AlertmanagerConfig;
  static const Section<A> section{
      "config.AlertmanagerConfig",
      WithInline<&A::discovery>(
          WithInline<&A::http>(
              std::vector<Field<A>>(), HttpClientFields(),
              {Key<OptionalNested<SigV4Config, SigV4Section>, &A::sigv4>("sigv4"),
               Key<Text, &A::scheme>("scheme"), Key<Text, &A::path_prefix>("path_prefix"),
               Key<Duration, &A::timeout_ms>("timeout"),
               Key<ApiVersion, &A::api_version>("api_version", When::kAlways),
               Key<RelabelList<kAlertmanagerRelabel>, &A::relabel_configs>("relabel_configs"),
               Key<RelabelList<kAlertmanagerAlertRelabel>, &A::alert_relabel_configs>(
                   "alert_relabel_configs")}),
          DiscoveryFields()),
      FinishAlertmanager};
  return section;
}

constexpr ListWords kAlertmanagers{"config.AlertmanagerConfigs",
                                   "empty or null alertmanager config section"};

}  // namespace

const Section<SigV4Config>& SigV4Section() {
  static const Section<SigV4Config> section{
      "sigv4.plain",
      {
          Key<Text, &SigV4Config::region>("region"),
          Key<Text, &SigV4Config::access_key>("access_key"),
          Key<Secret, &SigV4Config::secret_key>("secret_key"),
          Key<Text, &SigV4Config::profile>("profile"),
          Key<Text, &SigV4Config::role_arn>("role_arn"),
          Key<Text, &SigV4Config::external_id>("external_id"),
          Key<Bool, &SigV4Config::use_fips_sts_endpoint>("use_fips_sts_endpoint"),
          Key<Text, &SigV4Config::service_name>("service_name"),
      },
      [](SigV4Config* config) {
        if (config->access_key.empty() == config->secret_key.empty()) return OkStatus();
        return InvalidArgumentError(
            "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in "
            "the SigV4 config");
      }};
  return section;
}

const Section<AlertingConfig>& AlertingSection() {
  using A = AlertingConfig;
  static const Section<A> section{
      "config.plain",
      {
          Key<RelabelList<kAlertRelabel>, &A::alert_relabel_configs>("alert_relabel_configs"),
          Key<List<AlertmanagerConfig, AlertmanagerSection, kAlertmanagers>, &A::alertmanagers>(
              "alertmanagers"),
      }};
  return section;
}

}  // namespace deucalion::config
