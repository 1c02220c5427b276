// Config: the whole configuration file, checked, with defaults filled in and paths resolved. A
// plain value: read-only after LoadConfig, then shared between threads. A reload makes a new one
// and keeps the old when anything is wrong, so there is no half-loaded state.
//
// Durations are milliseconds, sizes bytes.
#ifndef DEUCALION_SERVER_CONFIG_CONFIG_H_
#define DEUCALION_SERVER_CONFIG_CONFIG_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "scrape/scrape_config.h"
#include "server/config/features.h"
#include "server/config/rule_file.h"

namespace deucalion::config {

struct GlobalConfig {
  scrape::GlobalScrapeConfig scrape;  // what jobs inherit, external labels
  int64_t evaluation_interval_ms = 60'000;
  int64_t rule_query_offset_ms = 0;
  std::string query_log_file;
};

// Accepted and shown; there is no Go runtime to tune.
struct RuntimeConfig {
  int gogc = 75;
  friend bool operator==(const RuntimeConfig&, const RuntimeConfig&) = default;
};

struct SigV4Config {
  std::string region;
  std::string access_key;
  std::string secret_key;  // secret
  std::string profile;
  std::string role_arn;
  std::string external_id;
  std::string service_name;
  bool use_fips_sts_endpoint = false;
  friend bool operator==(const SigV4Config&, const SigV4Config&) = default;
};

struct AlertmanagerConfig {
  std::vector<scrape::DiscoveryConfig> discovery;
  scrape::HttpClientConfig http;
  std::optional<SigV4Config> sigv4;
  std::string scheme = "http";
  std::string path_prefix;
  int64_t timeout_ms = 10'000;
  std::string api_version = "v2";
  std::vector<scrape::RelabelConfig> relabel_configs;
  std::vector<scrape::RelabelConfig> alert_relabel_configs;
  friend bool operator==(const AlertmanagerConfig&, const AlertmanagerConfig&) = default;
};

struct AlertingConfig {
  std::vector<scrape::RelabelConfig> alert_relabel_configs;
  std::vector<AlertmanagerConfig> alertmanagers;
  friend bool operator==(const AlertingConfig&, const AlertingConfig&) = default;
};

struct RetentionConfig {
  int64_t time_ms = 0;    // 0: not given
  int64_t size = 0;       // 0: not given
  double percentage = 0;  // of the file system; beats size. 0: not given
  friend bool operator==(const RetentionConfig&, const RetentionConfig&) = default;
};

struct ChunkEncodingConfig {
  std::string floats;  // xor or xor2
  friend bool operator==(const ChunkEncodingConfig&, const ChunkEncodingConfig&) = default;
};

struct TsdbConfig {
  int64_t out_of_order_time_window_ms = 0;
  double stale_series_compaction_threshold = 0;
  std::optional<RetentionConfig> retention;
  std::optional<ChunkEncodingConfig> chunk_encoding;
  friend bool operator==(const TsdbConfig&, const TsdbConfig&) = default;
};

struct ExemplarsConfig {
  static constexpr int64_t kDefaultMax = 100'000;
  int64_t max_exemplars = 0;
  friend bool operator==(const ExemplarsConfig&, const ExemplarsConfig&) = default;
};

struct StorageConfig {
  std::optional<TsdbConfig> tsdb;
  std::optional<ExemplarsConfig> exemplars;
  friend bool operator==(const StorageConfig&, const StorageConfig&) = default;
};

struct TracingConfig {
  std::string client_type = "grpc";  // or http
  std::string endpoint;              // "": no tracing
  double sampling_fraction = 0;
  bool insecure = false;
  scrape::TlsConfig tls_config;
  std::map<std::string, std::string> headers;
  std::string compression;  // "" or gzip
  int64_t timeout_ms = 0;
  friend bool operator==(const TracingConfig&, const TracingConfig&) = default;
};

struct QueueConfig {
  int capacity = 10'000;
  int max_shards = 50;
  int min_shards = 1;
  int max_samples_per_send = 2'000;
  int64_t batch_send_deadline_ms = 5'000;
  int64_t min_backoff_ms = 30;
  int64_t max_backoff_ms = 5'000;
  bool retry_on_http_429 = false;
  int64_t sample_age_limit_ms = 0;
  friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

struct MetadataConfig {
  bool send = true;
  int64_t send_interval_ms = 60'000;
  int max_samples_per_send = 2'000;
  friend bool operator==(const MetadataConfig&, const MetadataConfig&) = default;
};

struct AzureAdConfig {
  struct ManagedIdentity {
    std::string client_id;
    friend bool operator==(const ManagedIdentity&, const ManagedIdentity&) = default;
  };
  struct WorkloadIdentity {
    // A constructor: clang sees member initialisers of a nested class too late for optional.
    WorkloadIdentity() : token_file_path("/var/run/secrets/azure/tokens/azure-identity-token") {}
    std::string client_id;
    std::string tenant_id;
    std::string token_file_path;
    friend bool operator==(const WorkloadIdentity&, const WorkloadIdentity&) = default;
  };
  struct OAuth {
    std::string client_id;
    std::string client_secret;  // secret
    std::string tenant_id;
    friend bool operator==(const OAuth&, const OAuth&) = default;
  };
  struct Sdk {
    std::string tenant_id;
    friend bool operator==(const Sdk&, const Sdk&) = default;
  };
  std::optional<ManagedIdentity> managed_identity;
  std::optional<WorkloadIdentity> workload_identity;
  std::optional<OAuth> oauth;
  std::optional<Sdk> sdk;
  std::string cloud;
  std::string scope;
  friend bool operator==(const AzureAdConfig&, const AzureAdConfig&) = default;
};

struct GoogleIamConfig {
  std::string credentials_file;
  friend bool operator==(const GoogleIamConfig&, const GoogleIamConfig&) = default;
};

struct RemoteWriteConfig {
  static constexpr const char* kV1 = "prometheus.WriteRequest";
  static constexpr const char* kV2 = "io.prometheus.write.v2.Request";

  RemoteWriteConfig() { http.enable_http2 = false; }

  std::optional<std::string> url;
  int64_t remote_timeout_ms = 30'000;
  std::map<std::string, std::string> headers;
  std::vector<scrape::RelabelConfig> write_relabel_configs;
  std::string name;  // "": derived from a hash of the configuration
  bool send_exemplars = false;
  bool send_native_histograms = false;
  bool round_robin_dns = false;
  std::string protobuf_message = kV1;
  scrape::HttpClientConfig http;
  QueueConfig queue;
  MetadataConfig metadata;
  std::optional<SigV4Config> sigv4;
  std::optional<AzureAdConfig> azuread;
  std::optional<GoogleIamConfig> google_iam;
  friend bool operator==(const RemoteWriteConfig&, const RemoteWriteConfig&) = default;
};

struct RemoteReadConfig {
  std::optional<std::string> url;
  int64_t remote_timeout_ms = 60'000;
  uint64_t chunked_read_limit = 50'000'000;
  std::map<std::string, std::string> headers;
  bool read_recent = false;
  std::string name;
  scrape::HttpClientConfig http;
  std::map<std::string, std::string> required_matchers;
  bool filter_external_labels = true;
  friend bool operator==(const RemoteReadConfig&, const RemoteReadConfig&) = default;
};

struct OtlpConfig {
  bool promote_all_resource_attributes = false;
  std::vector<std::string> promote_resource_attributes;
  std::vector<std::string> ignore_resource_attributes;
  std::string translation_strategy = "UnderscoreEscapingWithSuffixes";
  bool keep_identifying_resource_attributes = false;
  bool convert_histograms_to_nhcb = false;
  bool promote_scope_metadata = false;
  bool label_name_underscore_sanitization = true;
  bool label_name_preserve_multiple_underscores = true;
  friend bool operator==(const OtlpConfig&, const OtlpConfig&) = default;
};

struct Config {
  GlobalConfig global;
  RuntimeConfig runtime;
  AlertingConfig alerting;
  std::vector<std::string> rule_files;               // globs
  std::vector<std::string> scrape_config_files;      // globs
  std::vector<scrape::ScrapeConfig> scrape_configs;  // of the main file
  StorageConfig storage;
  TracingConfig tracing;
  std::vector<RemoteWriteConfig> remote_write;
  std::vector<RemoteReadConfig> remote_read;
  OtlpConfig otlp;

  // From the files the globs match.
  std::vector<scrape::ScrapeConfig> file_scrape_configs;
  std::vector<RuleFile> rules;
  // Things that are fine but worth a line in the log.
  std::vector<std::string> notes;

  // Those of the main file, then those of the files.
  std::vector<scrape::ScrapeConfig> AllScrapeConfigs() const;

  // The effective configuration of the main file as /api/v1/status/config shows it: defaults filled
  // in, secrets hidden.
  std::string ToYaml() const;

  // What is configured although its machinery is not in `active`, one line each. Names are those of
  // `kActive...` below and "<kind>_sd_configs".
  std::vector<std::string> Inactive(const std::set<std::string, std::less<>>& active) const;
};

// The entry as status/config shows it. Two entries with the same text differ in secrets at most.
std::string RemoteWriteYaml(const RemoteWriteConfig& entry);
std::string RemoteReadYaml(const RemoteReadConfig& entry);

inline constexpr std::string_view kAlertingPart = "alerting";
inline constexpr std::string_view kRulesPart = "rule_files";
inline constexpr std::string_view kRemoteWritePart = "remote_write";
inline constexpr std::string_view kRemoteReadPart = "remote_read";
inline constexpr std::string_view kTracingPart = "tracing";
inline constexpr std::string_view kExemplarsPart = "storage.exemplars";
inline constexpr std::string_view kOtlpPart = "otlp";

struct LoadOptions {
  FileSystem* file_system = FileSystem::Posix();
  bool agent = false;
  // Features change some defaults.
  FeatureSet features;
  // Checks a PromQL expression of a rule; not called when empty.
  std::function<Status(std::string_view)> check_expression;
  // Checks a template of a rule's label or annotation; not called when empty.
  std::function<Status(std::string_view)> check_template;
  // Checkers look at the main file alone, or report on each rule file themselves.
  bool read_scrape_files = true;
  bool read_rule_files = true;
  // Environment variables in external labels; by default those of the process.
  std::function<std::string(const std::string&)> environment;
};

// Reads and checks `path` and every file it refers to. Errors are upstream's with file:line:column.
Result<Config> LoadConfig(const std::string& path, const LoadOptions& options);

// The same from text; `name` stands for the file in messages, `dir` is what paths are relative to.
Result<Config> ParseConfig(std::string_view text, const std::string& name, const std::string& dir,
                           const LoadOptions& options);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_CONFIG_H_
