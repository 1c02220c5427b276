#include "scrape/scrape_config.h"

#include <algorithm>
#include <array>
#include <set>

#include "model/value.h"

namespace deucalion::scrape {
namespace {

struct ProtocolInfo {
  ScrapeProtocol protocol;
  std::string_view name;
  std::string_view header;
};

// Sorted by name, as error messages list them.
constexpr std::array<ProtocolInfo, 5> kProtocols = {{
    {ScrapeProtocol::kOpenMetricsText0_0_1, "OpenMetricsText0.0.1",
     "application/openmetrics-text;version=0.0.1"},
    {ScrapeProtocol::kOpenMetricsText1_0_0, "OpenMetricsText1.0.0",
     "application/openmetrics-text;version=1.0.0"},
    {ScrapeProtocol::kPrometheusProto, "PrometheusProto",
     "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"},
    {ScrapeProtocol::kPrometheusText0_0_4, "PrometheusText0.0.4", "text/plain;version=0.0.4"},
    {ScrapeProtocol::kPrometheusText1_0_0, "PrometheusText1.0.0", "text/plain;version=1.0.0"},
}};

const ProtocolInfo& InfoOf(ScrapeProtocol protocol) {
  return *std::ranges::find(kProtocols, protocol, &ProtocolInfo::protocol);
}

template <typename T>
void InheritLimit(T* own, T global) {
  if (*own == 0) *own = global;
}

void InheritLimits(const ScrapeLimits& global, ScrapeLimits* own) {
  InheritLimit(&own->body_size_limit, global.body_size_limit);
  InheritLimit(&own->sample_limit, global.sample_limit);
  InheritLimit(&own->target_limit, global.target_limit);
  InheritLimit(&own->label_limit, global.label_limit);
  InheritLimit(&own->label_name_length_limit, global.label_name_length_limit);
  InheritLimit(&own->label_value_length_limit, global.label_value_length_limit);
  InheritLimit(&own->keep_dropped_targets, global.keep_dropped_targets);
}

template <typename T>
void Inherit(std::optional<T>* own, const T& global) {
  if (!own->has_value()) *own = global;
}

bool KnownEscaping(std::string_view scheme) {
  return scheme == kAllowUtf8 || scheme == kEscapeUnderscores || scheme == kEscapeDots ||
         scheme == kEscapeValues;
}

Status UnknownEscaping(std::string_view whose, const std::string& got) {
  return InvalidArgumentError(
      "unknown " + std::string(whose) +
      " name escaping method specified, must be one of 'allow-utf-8', 'underscores', 'dots', or "
      "'values', got " +
      GoQuote(got));
}

std::string DefaultEscaping(NameValidation scheme) {
  return std::string(scheme == NameValidation::kLegacy ? kEscapeUnderscores : kAllowUtf8);
}

Status ApplyNameSchemes(const GlobalScrapeConfig& global, ScrapeConfig* c) {
  const bool local_unset = !c->metric_name_validation_scheme.has_value();
  Inherit(&c->metric_name_validation_scheme, global.metric_name_validation_scheme);
  std::string global_escaping = global.metric_name_escaping_scheme;
  if (global_escaping.empty()) {
    global_escaping = DefaultEscaping(global.metric_name_validation_scheme);
  }
  if (!KnownEscaping(global_escaping)) return UnknownEscaping("global", global_escaping);
  if (c->metric_name_escaping_scheme.empty()) {
    c->metric_name_escaping_scheme =
        local_unset ? global_escaping : DefaultEscaping(*c->metric_name_validation_scheme);
  }
  if (!KnownEscaping(c->metric_name_escaping_scheme)) {
    return UnknownEscaping("scrape config", c->metric_name_escaping_scheme);
  }
  if (c->metric_name_escaping_scheme == kAllowUtf8 &&
      *c->metric_name_validation_scheme != NameValidation::kUtf8) {
    return InvalidArgumentError(
        "utf8 metric names requested but validation scheme is not set to UTF8");
  }
  return OkStatus();
}

Status ApplyTimes(const GlobalScrapeConfig& global, ScrapeConfig* c) {
  if (c->scrape_interval_ms == 0) c->scrape_interval_ms = global.scrape_interval_ms;
  if (c->scrape_timeout_ms > c->scrape_interval_ms) {
    return InvalidArgumentError(
        "scrape timeout greater than scrape interval for scrape config with job name " +
        GoQuote(c->job_name));
  }
  if (c->scrape_timeout_ms == 0) {
    c->scrape_timeout_ms = std::min(global.scrape_timeout_ms, c->scrape_interval_ms);
  }
  return OkStatus();
}

}  // namespace

std::string_view ScrapeProtocolText(ScrapeProtocol protocol) { return InfoOf(protocol).name; }
std::string_view ScrapeProtocolHeader(ScrapeProtocol protocol) { return InfoOf(protocol).header; }

Result<ScrapeProtocol> ParseScrapeProtocol(std::string_view text) {
  std::string names;
  for (const ProtocolInfo& info : kProtocols) {
    if (info.name == text) return info.protocol;
    if (!names.empty()) names += ' ';
    names += info.name;
  }
  return InvalidArgumentError("unknown scrape protocol " + std::string(text) + ", supported: [" +
                              names + "]");
}

std::vector<ScrapeProtocol> DefaultScrapeProtocols() {
  return {ScrapeProtocol::kOpenMetricsText1_0_0, ScrapeProtocol::kOpenMetricsText0_0_1,
          ScrapeProtocol::kPrometheusText1_0_0, ScrapeProtocol::kPrometheusText0_0_4};
}

std::vector<ScrapeProtocol> DefaultProtoFirstScrapeProtocols() {
  std::vector<ScrapeProtocol> protocols = DefaultScrapeProtocols();
  protocols.insert(protocols.begin(), ScrapeProtocol::kPrometheusProto);
  return protocols;
}

Status ValidateScrapeProtocols(const std::vector<ScrapeProtocol>& protocols) {
  if (protocols.empty()) return InvalidArgumentError("scrape_protocols cannot be empty");
  const std::set<ScrapeProtocol> unique(protocols.begin(), protocols.end());
  if (unique.size() == protocols.size()) return OkStatus();
  std::string list;
  for (ScrapeProtocol p : protocols) {
    if (!list.empty()) list += ' ';
    list += ScrapeProtocolText(p);
  }
  return InvalidArgumentError("duplicated protocol in scrape_protocols, got [" + list + "]");
}

Status ScrapeConfig::Validate() {
  if (job_name.empty()) return InvalidArgumentError("job_name is empty");
  RETURN_IF_ERROR(http.Validate());
  if (!relabel_configs.empty()) return OkStatus();
  // Users put URLs into target groups; without relabelling nothing could make them addresses.
  for (const DiscoveryConfig& sd : discovery) {
    const auto* fixed = std::get_if<StaticConfig>(&sd);
    if (fixed == nullptr) continue;
    for (const TargetGroup& group : fixed->groups) {
      for (const LabelMap& target : group.targets) {
        const auto address = target.find("__address__");
        if (address != target.end()) RETURN_IF_ERROR(CheckTargetAddress(address->second));
      }
    }
  }
  return OkStatus();
}

Status ScrapeConfig::ApplyGlobals(const GlobalScrapeConfig& global) {
  RETURN_IF_ERROR(ApplyTimes(global, this));
  InheritLimits(global.limits, &limits);
  if (scrape_failure_log_file.empty()) scrape_failure_log_file = global.scrape_failure_log_file;
  Inherit(&scrape_native_histograms, global.scrape_native_histograms);
  Inherit(&extra_scrape_metrics, global.extra_scrape_metrics);
  if (!scrape_protocols) {
    scrape_protocols = global.scrape_protocols     ? *global.scrape_protocols
                       : *scrape_native_histograms ? DefaultProtoFirstScrapeProtocols()
                                                   : DefaultScrapeProtocols();
  }
  if (Status s = ValidateScrapeProtocols(*scrape_protocols); !s.ok()) {
    return InvalidArgumentError(s.message() + " for scrape config with job name " +
                                GoQuote(job_name));
  }
  RETURN_IF_ERROR(ApplyNameSchemes(global, this));
  Inherit(&convert_classic_histograms_to_nhcb, global.convert_classic_histograms_to_nhcb);
  Inherit(&always_scrape_classic_histograms, global.always_scrape_classic_histograms);
  for (RelabelConfig& rule : relabel_configs) {
    RETURN_IF_ERROR(rule.Validate(*metric_name_validation_scheme));
  }
  for (RelabelConfig& rule : metric_relabel_configs) {
    RETURN_IF_ERROR(rule.Validate(*metric_name_validation_scheme));
  }
  return OkStatus();
}

void ScrapeConfig::SetDirectory(const std::string& dir) {
  for (DiscoveryConfig& sd : discovery) scrape::SetDirectory(dir, &sd);
  http.SetDirectory(dir);
  scrape_failure_log_file = JoinConfigDir(dir, scrape_failure_log_file);
}

}  // namespace deucalion::scrape
