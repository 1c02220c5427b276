// scrape_configs: one job.
#include "server/config/sections.h"

namespace deucalion::config {
namespace {

using scrape::ScrapeConfig;
using scrape::ScrapeLimits;
using scrape::ScrapeProtocol;

struct FallbackProtocol {
  using Value = std::optional<ScrapeProtocol>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (!ReadText(d, node, "config.ScrapeProtocol", &text)) return OkStatus();
    out->reset();
    if (text.empty()) return OkStatus();
    Result<ScrapeProtocol> protocol = scrape::ParseScrapeProtocol(text);
    if (!protocol.ok()) {
      return d.Refuse(
          node, "invalid fallback_scrape_protocol: " + std::string(protocol.status().message()));
    }
    *out = *protocol;
    return OkStatus();
  }
  static bool Empty(const Value& v) { return !v.has_value(); }
  static YamlValue Print(const Value& v) { return YamlValue::Text(scrape::ScrapeProtocolText(*v)); }
};

struct OptionalValidationScheme {
  using Value = std::optional<scrape::NameValidation>;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::string text;
    if (node.kind == YamlKind::kScalar && node.value.empty()) return OkStatus();
    scrape::NameValidation scheme = scrape::NameValidation::kUtf8;
    const size_t before = d.mismatches();
    RETURN_IF_ERROR(ValidationScheme::Read(d, node, &scheme));
    if (d.mismatches() == before && !IsNull(node)) *out = scheme;
    return OkStatus();
  }
  static bool Empty(const Value& v) { return !v.has_value(); }
  static YamlValue Print(const Value& v) { return ValidationScheme::Print(*v); }
};

std::vector<Field<ScrapeConfig>> OwnFields() {
  using S = ScrapeConfig;
  using L = ScrapeLimits;
  return {
      Key<Text, &S::job_name>("job_name", When::kAlways),
      Key<Bool, &S::honor_labels>("honor_labels"),
      Key<Bool, &S::honor_timestamps>("honor_timestamps", When::kAlways),
      Key<Bool, &S::track_timestamps_staleness>("track_timestamps_staleness", When::kAlways),
      Key<TextsMap, &S::params>("params"),
      Key<Duration, &S::scrape_interval_ms>("scrape_interval"),
      Key<Duration, &S::scrape_timeout_ms>("scrape_timeout"),
      Key<Protocols, &S::scrape_protocols>("scrape_protocols"),
      Key<FallbackProtocol, &S::fallback_scrape_protocol>("fallback_scrape_protocol"),
      Key<OptionalBool, &S::scrape_native_histograms>("scrape_native_histograms"),
      Key<OptionalBool, &S::always_scrape_classic_histograms>("always_scrape_classic_histograms"),
      Key<OptionalBool, &S::convert_classic_histograms_to_nhcb>(
          "convert_classic_histograms_to_nhcb"),
      Key<Text, &S::scrape_failure_log_file>("scrape_failure_log_file"),
      Key<Text, &S::metrics_path>("metrics_path"),
      Key<Text, &S::scheme>("scheme"),
      Key<Bool, &S::enable_compression>("enable_compression", When::kAlways),
      Key<Bytes, &S::limits, &L::body_size_limit>("body_size_limit"),
      Key<Uint, &S::limits, &L::sample_limit>("sample_limit"),
      Key<Uint, &S::limits, &L::target_limit>("target_limit"),
      Key<Uint, &S::limits, &L::label_limit>("label_limit"),
      Key<Uint, &S::limits, &L::label_name_length_limit>("label_name_length_limit"),
      Key<Uint, &S::limits, &L::label_value_length_limit>("label_value_length_limit"),
      Key<Uint, &S::native_histogram_bucket_limit>("native_histogram_bucket_limit"),
      Key<Float, &S::native_histogram_min_bucket_factor>("native_histogram_min_bucket_factor"),
      Key<Uint, &S::limits, &L::keep_dropped_targets>("keep_dropped_targets"),
      Key<OptionalValidationScheme, &S::metric_name_validation_scheme>(
          "metric_name_validation_scheme"),
      Key<Text, &S::metric_name_escaping_scheme>("metric_name_escaping_scheme"),
      Key<OptionalBool, &S::extra_scrape_metrics>("extra_scrape_metrics"),
  };
}

}  // namespace

Status Protocols::Read(Decoder& d, const YamlNode& node, Value* out) {
  out->reset();
  if (IsNull(node)) return OkStatus();
  if (node.kind != YamlKind::kSequence) {
    d.Mismatch(node, "[]config.ScrapeProtocol");
    return OkStatus();
  }
  out->emplace();
  for (const YamlNode* item : node.items) {
    std::string text;
    if (!ReadText(d, *item, "config.ScrapeProtocol", &text)) continue;
    Result<ScrapeProtocol> protocol = scrape::ParseScrapeProtocol(text);
    if (!protocol.ok()) {
      return d.Refuse(*item, "scrape_protocols: " + std::string(protocol.status().message()));
    }
    (*out)->push_back(*protocol);
  }
  return d.Refuse(node, scrape::ValidateScrapeProtocols(**out));
}

YamlValue Protocols::Print(const Value& v) {
  YamlValue list = YamlValue::Sequence();
  for (const ScrapeProtocol protocol : *v) {
    list.items.push_back(YamlValue::Text(scrape::ScrapeProtocolText(protocol)));
  }
  return list;
}

Status ValidationScheme::Read(Decoder& d, const YamlNode& node, Value* out) {
  std::string text;
  if (!ReadText(d, node, "string", &text) || text.empty()) return OkStatus();
  if (text != "utf8" && text != "legacy") {
    return d.Refuse(node, "unrecognized ValidationScheme: " + GoQuote(text));
  }
  *out = text == "legacy" ? scrape::NameValidation::kLegacy : scrape::NameValidation::kUtf8;
  return OkStatus();
}

YamlValue ValidationScheme::Print(Value v) {
  return YamlValue::Text(v == scrape::NameValidation::kLegacy ? "legacy" : "utf8");
}

const Section<ScrapeConfig>& ScrapeSection() {
  using S = ScrapeConfig;
  static const Section<S> section{
      "config.ScrapeConfig",
      WithInline<&S::discovery>(
          WithInline<&S::http>(
              OwnFields(), HttpClientFields(),
              {Key<RelabelList<kTargetRelabel>, &S::relabel_configs>("relabel_configs"),
               Key<RelabelList<kMetricRelabel>, &S::metric_relabel_configs>(
                   "metric_relabel_configs")}),
          DiscoveryFields()),
      [](S* config) {
        SortDiscovery(&config->discovery);
        return config->Validate();
      }};
  return section;
}

}  // namespace deucalion::config
