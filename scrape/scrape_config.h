// ScrapeConfig: one job of scrape_configs, and the keys of `global` that scraping uses. Plain
// values. A parser fills them from YAML, ApplyGlobals completes and checks them; after that they
// are read-only.
#ifndef DEUCALION_SCRAPE_SCRAPE_CONFIG_H_
#define DEUCALION_SCRAPE_SCRAPE_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "scrape/discovery/config.h"
#include "scrape/http_client_config.h"
#include "scrape/relabel.h"

namespace deucalion::scrape {

enum class ScrapeProtocol {
  kPrometheusProto,
  kOpenMetricsText1_0_0,
  kOpenMetricsText0_0_1,
  kPrometheusText1_0_0,
  kPrometheusText0_0_4,
};
// "PrometheusProto", "OpenMetricsText1.0.0", …
std::string_view ScrapeProtocolText(ScrapeProtocol protocol);
// Media type with version, as in the Accept header (without escaping and q).
std::string_view ScrapeProtocolHeader(ScrapeProtocol protocol);
// Case-sensitive. Error: unknown scrape protocol x, supported: […].
Result<ScrapeProtocol> ParseScrapeProtocol(std::string_view text);
std::vector<ScrapeProtocol> DefaultScrapeProtocols();
std::vector<ScrapeProtocol> DefaultProtoFirstScrapeProtocols();
// Errors: scrape_protocols cannot be empty; duplicated protocol in scrape_protocols, got […].
Status ValidateScrapeProtocols(const std::vector<ScrapeProtocol>& protocols);

// metric_name_escaping_scheme.
inline constexpr std::string_view kAllowUtf8 = "allow-utf-8";
inline constexpr std::string_view kEscapeUnderscores = "underscores";
inline constexpr std::string_view kEscapeDots = "dots";
inline constexpr std::string_view kEscapeValues = "values";

// Limits; 0 = no limit.
struct ScrapeLimits {
  int64_t body_size_limit = 0;  // bytes, uncompressed
  uint64_t sample_limit = 0;
  uint64_t target_limit = 0;
  uint64_t label_limit = 0;
  uint64_t label_name_length_limit = 0;
  uint64_t label_value_length_limit = 0;
  uint64_t keep_dropped_targets = 0;
  friend bool operator==(const ScrapeLimits&, const ScrapeLimits&) = default;
};

// The keys of `global` that scraping inherits or uses, with their defaults.
struct GlobalScrapeConfig {
  int64_t scrape_interval_ms = 60'000;
  int64_t scrape_timeout_ms = 10'000;
  std::optional<std::vector<ScrapeProtocol>> scrape_protocols;
  std::string scrape_failure_log_file;
  Labels external_labels;
  ScrapeLimits limits;
  NameValidation metric_name_validation_scheme = NameValidation::kUtf8;
  std::string metric_name_escaping_scheme{kAllowUtf8};  // "" = by validation scheme
  bool scrape_native_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
  bool always_scrape_classic_histograms = false;
  bool extra_scrape_metrics = false;
};

struct ScrapeConfig {
  std::string job_name;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  std::map<std::string, std::vector<std::string>> params;
  int64_t scrape_interval_ms = 0;  // 0 = the global one
  int64_t scrape_timeout_ms = 0;
  std::optional<std::vector<ScrapeProtocol>> scrape_protocols;
  std::optional<ScrapeProtocol> fallback_scrape_protocol;
  std::optional<bool> scrape_native_histograms;
  std::optional<bool> always_scrape_classic_histograms;
  std::optional<bool> convert_classic_histograms_to_nhcb;
  std::optional<bool> extra_scrape_metrics;
  std::string scrape_failure_log_file;
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  bool enable_compression = true;
  ScrapeLimits limits;
  uint64_t native_histogram_bucket_limit = 0;
  double native_histogram_min_bucket_factor = 0;
  std::optional<NameValidation> metric_name_validation_scheme;
  std::string metric_name_escaping_scheme;
  std::vector<DiscoveryConfig> discovery;
  HttpClientConfig http;
  std::vector<RelabelConfig> relabel_configs;
  std::vector<RelabelConfig> metric_relabel_configs;

  // What can be checked without the globals (job_name, http, static targets).
  Status Validate();
  // Takes over what is not set from `global`, then checks, in upstream's words; compiles the
  // relabelling rules. Afterwards every optional but the fallback protocol has a value.
  Status ApplyGlobals(const GlobalScrapeConfig& global);
  // Makes relative file paths relative to `dir`.
  void SetDirectory(const std::string& dir);

  friend bool operator==(const ScrapeConfig&, const ScrapeConfig&) = default;
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_SCRAPE_CONFIG_H_
