// global: what jobs inherit, and the labels added when talking to others.
#include <algorithm>

#include "model/labels.h"
#include "server/config/config_sections.h"

namespace deucalion::config {
namespace {

struct ExternalLabels {
  using Value = Labels;
  static Status Read(Decoder& d, const YamlNode& node, Value* out) {
    std::map<std::string, std::string> pairs;
    RETURN_IF_ERROR(TextMap::Read(d, node, &pairs));
    LabelsBuilder builder;
    for (const auto& [name, value] : pairs) {
      if (!IsValidLabelName(name)) {
        return d.Refuse(node, GoQuote(name) + " is not a valid label name");
      }
      if (!IsValidUtf8(value)) {
        return d.Refuse(node, GoQuote(value) + " is not a valid label value");
      }
      if (name.size() > kMaxLabelBytes || value.size() > kMaxLabelBytes) {
        return d.Refuse(node, "external label " + GoQuote(name.substr(0, 64)) + " is too long");
      }
      builder.Set(name, value);
    }
    *out = builder.Build();
    return OkStatus();
  }
  static bool Empty(const Value& v) { return v.view().empty(); }
  static YamlValue Print(const Value& v) {
    YamlValue map = YamlValue::Map();
    for (const Label& label : v.view()) map.Add(label.name, YamlValue::Text(label.value));
    return map;
  }
};

Status FinishGlobal(GlobalConfig* config) {
  scrape::GlobalScrapeConfig& s = config->scrape;
  const GlobalConfig defaults;
  if (s.metric_name_validation_scheme == scrape::NameValidation::kLegacy) {
    for (const Label& label : s.external_labels.view()) {
      if (!IsLegacyLabelName(label.name)) {
        return InvalidArgumentError(GoQuote(label.name) + " is not a valid label name");
      }
    }
  }
  if (s.scrape_interval_ms == 0) s.scrape_interval_ms = defaults.scrape.scrape_interval_ms;
  if (s.scrape_timeout_ms > s.scrape_interval_ms) {
    return InvalidArgumentError("global scrape timeout greater than scrape interval");
  }
  if (s.scrape_timeout_ms == 0) {
    s.scrape_timeout_ms = std::min(defaults.scrape.scrape_timeout_ms, s.scrape_interval_ms);
  }
  if (config->evaluation_interval_ms == 0) {
    config->evaluation_interval_ms = defaults.evaluation_interval_ms;
  }
  return OkStatus();
}

}  // namespace

const Section<GlobalConfig>& GlobalSection() {
  using G = GlobalConfig;
  using S = scrape::GlobalScrapeConfig;
  using L = scrape::ScrapeLimits;
  static const Section<G> section{
      "config.plain",
      {
          Key<Duration, &G::scrape, &S::scrape_interval_ms>("scrape_interval"),
          Key<Duration, &G::scrape, &S::scrape_timeout_ms>("scrape_timeout"),
          Key<Protocols, &G::scrape, &S::scrape_protocols>("scrape_protocols"),
          Key<Duration, &G::evaluation_interval_ms>("evaluation_interval"),
          Key<Duration, &G::rule_query_offset_ms>("rule_query_offset"),
          Key<Text, &G::query_log_file>("query_log_file"),
          Key<Text, &G::scrape, &S::scrape_failure_log_file>("scrape_failure_log_file"),
          Key<ExternalLabels, &G::scrape, &S::external_labels>("external_labels"),
          Key<Bytes, &G::scrape, &S::limits, &L::body_size_limit>("body_size_limit"),
          Key<Uint, &G::scrape, &S::limits, &L::sample_limit>("sample_limit"),
          Key<Uint, &G::scrape, &S::limits, &L::target_limit>("target_limit"),
          Key<Uint, &G::scrape, &S::limits, &L::label_limit>("label_limit"),
          Key<Uint, &G::scrape, &S::limits, &L::label_name_length_limit>("label_name_length_limit"),
          Key<Uint, &G::scrape, &S::limits, &L::label_value_length_limit>(
              "label_value_length_limit"),
          Key<Uint, &G::scrape, &S::limits, &L::keep_dropped_targets>("keep_dropped_targets"),
          Key<ValidationScheme, &G::scrape, &S::metric_name_validation_scheme>(
              "metric_name_validation_scheme"),
          Key<Text, &G::scrape, &S::metric_name_escaping_scheme>("metric_name_escaping_scheme"),
          // Pointers in Go, so false is shown.
          Key<Bool, &G::scrape, &S::scrape_native_histograms>("scrape_native_histograms",
                                                              When::kAlways),
          Key<Bool, &G::scrape, &S::convert_classic_histograms_to_nhcb>(
              "convert_classic_histograms_to_nhcb"),
          Key<Bool, &G::scrape, &S::always_scrape_classic_histograms>(
              "always_scrape_classic_histograms"),
          Key<Bool, &G::scrape, &S::extra_scrape_metrics>("extra_scrape_metrics", When::kAlways),
      },
      FinishGlobal};
  return section;
}

}  // namespace deucalion::config
