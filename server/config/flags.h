// Command-line flags: every flag of Prometheus 3.14 under its name, with its default, plus a few of
// our own. One table (flag_table.cc) says what there is; the parser, --help, status/flags and the
// mode checks all read it. Semantics are kingpin's, which Prometheus uses.
//
// Flags is a plain value. Durations are milliseconds unless the name says otherwise, sizes bytes.
#ifndef DEUCALION_SERVER_CONFIG_FLAGS_H_
#define DEUCALION_SERVER_CONFIG_FLAGS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/features.h"

namespace deucalion::config {

// The default of every member is the default of its flag (a test compares them with the table).
struct Flags {
  std::string config_file = "prometheus.yml";
  bool config_auto_reload = false;
  int64_t config_auto_reload_interval_ms = 30'000;

  std::vector<std::string> web_listen_addresses = {"0.0.0.0:9090"};
  std::string web_config_file;
  int64_t web_read_timeout_ms = 300'000;
  int64_t web_max_connections = 512;
  int64_t web_max_notifications_subscribers = 16;
  std::string web_external_url;
  std::string web_route_prefix;
  std::string web_user_assets;
  bool web_enable_lifecycle = false;
  bool web_enable_admin_api = false;
  bool web_enable_remote_write_receiver = false;
  std::vector<std::string> web_remote_write_messages = {"prometheus.WriteRequest",
                                                        "io.prometheus.write.v2.Request"};
  bool web_enable_otlp_receiver = false;
  std::string web_console_templates = "consoles";
  std::string web_console_libraries = "console_libraries";
  std::string web_page_title = "Prometheus Time Series Collection and Processing Server";
  std::string web_cors_origin = ".*";
  int64_t web_search_max_limit = 10'000;

  // Accepted for compatibility: there is no Go runtime to tune.
  bool auto_gomaxprocs = true;
  bool auto_gomemlimit = true;
  double auto_gomemlimit_ratio = 0.9;
  int64_t auto_gomemlimit_refresh_interval_ms = 0;

  std::string tsdb_path = "data/";
  int64_t tsdb_min_block_duration_ms = 7'200'000;
  int64_t tsdb_max_block_duration_ms = 0;  // 0: see SettleFlags
  int64_t tsdb_max_block_chunk_segment_size = 0;
  int64_t tsdb_wal_segment_size = 0;
  int64_t tsdb_retention_time_ms = 0;  // 0: not given
  int64_t tsdb_retention_size = 0;
  bool tsdb_no_lockfile = false;
  bool tsdb_allow_overlapping_compaction = true;
  bool tsdb_wal_compression = true;
  std::string tsdb_wal_compression_type = "snappy";
  int64_t tsdb_head_chunks_write_queue_size = 0;
  int64_t tsdb_samples_per_chunk = 120;
  int64_t tsdb_delayed_compaction_max_percent = 10;
  std::string tsdb_delay_compact_file;
  int64_t tsdb_block_reload_interval_ms = 60'000;

  std::string agent_path = "data-agent/";
  int64_t agent_wal_segment_size = 0;
  bool agent_wal_compression = true;
  std::string agent_wal_compression_type = "snappy";
  int64_t agent_wal_truncate_frequency_ms = 0;
  int64_t agent_retention_min_time_ms = 300'000;
  int64_t agent_retention_max_time_ms = 14'400'000;
  bool agent_checkpoint_from_in_memory_series = false;
  int64_t agent_checkpoint_batch_size = 1000;
  bool agent_no_lockfile = false;

  int64_t remote_flush_deadline_ms = 60'000;
  int64_t remote_read_sample_limit = 50'000'000;
  int64_t remote_read_concurrent_limit = 10;
  int64_t remote_read_max_bytes_in_frame = 1'048'576;

  int64_t rules_for_outage_tolerance_ms = 3'600'000;
  int64_t rules_for_grace_period_ms = 600'000;
  int64_t rules_resend_delay_ms = 60'000;
  int64_t rules_max_concurrent_evals = 4;

  bool scrape_adjust_timestamps = true;
  int64_t scrape_timestamp_tolerance_ns = 2'000'000;
  int64_t scrape_discovery_reload_interval_ms = 5'000;

  int64_t alertmanager_queue_capacity = 10'000;
  int64_t alertmanager_batch_size = 256;
  bool alertmanager_drain_on_shutdown = true;

  int64_t query_lookback_delta_ms = 300'000;
  int64_t query_timeout_ms = 120'000;
  int64_t query_max_concurrency = 20;
  int64_t query_max_samples = 50'000'000;

  std::vector<std::string> enable_feature = {""};
  bool agent = false;
  std::string log_level = "info";
  std::string log_format = "logfmt";
  bool write_documentation = false;

  // Ours.
  std::string tsdb_wal_durability = "interval";  // os, interval or always
  int64_t query_max_memory = 0;                  // 0: a share of the machine's
  int64_t query_cache_size = 64 << 20;           // 0: off

  friend bool operator==(const Flags&, const Flags&) = default;
};

enum class FlagKind {
  kBool,
  kString,
  kStrings,  // repeatable
  kInt,      // also "5e7"
  kInt64,
  kFloat,
  kDuration,    // Prometheus's, ms
  kGoDuration,  // Go's, ns
  kBytes,       // with a unit
  kEnum,        // one of `choices`
  kLogLevel,
  kLogFormat,
  kProtobufMessages,  // repeatable
};
enum class FlagMode { kBoth, kServer, kAgent };

struct FlagSpec {
  std::string_view name;
  FlagKind kind;
  union Member {
    bool Flags::*boolean;
    std::string Flags::*text;
    std::vector<std::string> Flags::*texts;
    int64_t Flags::*integer;
    double Flags::*real;
    constexpr Member(bool Flags::*m) : boolean(m) {}      // NOLINT: implicit by intent
    constexpr Member(std::string Flags::*m) : text(m) {}  // NOLINT
    constexpr Member(std::vector<std::string> Flags::*m) : texts(m) {}  // NOLINT
    constexpr Member(int64_t Flags::*m) : integer(m) {}                 // NOLINT
    constexpr Member(double Flags::*m) : real(m) {}                     // NOLINT
  } member;
  // As typed; several values are separated by '|'. Empty and `no_default`: nothing to show.
  std::string_view default_text;
  std::string_view help;
  FlagMode mode = FlagMode::kBoth;
  bool hidden = false;
  bool no_default = false;
  std::string_view placeholder = {};
  std::string_view choices = {};  // "snappy,zstd"

  bool repeatable() const {
    return kind == FlagKind::kStrings || kind == FlagKind::kProtobufMessages;
  }
};

// In the order of --help.
std::span<const FlagSpec> FlagTable();

// What --version and build_info show. The views must live as long as the process.
struct BuildInfo {
  std::string_view version;
  std::string_view branch;
  std::string_view revision;
  std::string_view build_user;
  std::string_view build_date;
  std::string_view compiler;
  std::string_view platform;
  std::string_view tags;
};
std::string VersionText(const BuildInfo& build, std::string_view program = "deucalion");

// What the command line asks of main.
struct CommandLine {
  Flags flags;
  FeatureSet features;
  std::vector<FeatureNote> notes;  // for the log
  // When set, main prints `out` to stdout and `err` to stderr and ends with this status.
  bool exit = false;
  int exit_code = 0;
  std::string out;
  std::string err;
};

// `args` without the program's name; `program` is what usage lines call it. Exit codes and texts as
// Prometheus: 1 for a flag that does not exist, 2 for a bad value, 3 for a flag of the other mode.
CommandLine ParseCommandLine(std::string_view program, std::span<const std::string> args,
                             const BuildInfo& build, int width_columns = 80);

// --help. `width_columns` is the terminal's.
std::string HelpText(std::string_view program, int width_columns);
// --write-documentation: a Markdown page.
std::string FlagDocumentation(std::string_view program);

// Sets one flag from text; appends to repeatable ones. Errors in kingpin's words.
Status SetFlag(const FlagSpec& spec, std::string_view text, Flags* flags);
// As status/flags prints it.
std::string FlagText(const FlagSpec& spec, const Flags& flags);
// Name -> text of every flag: the answer of /api/v1/status/flags.
std::map<std::string, std::string> FlagValues(const Flags& flags);

// What the flags mean once all is known, as Prometheus changes them at start (and shows them in
// status/flags): a default retention of 15d, the longest block, the route prefix ("/" + trimmed, by
// default `external_url_path`), intervals below their minimum. Retention given in the configuration
// file (0 = not) takes precedence.
void SettleFlags(std::string_view external_url_path, int64_t config_retention_time_ms,
                 int64_t config_retention_size, Flags* flags);

}  // namespace deucalion::config

#endif  // DEUCALION_SERVER_CONFIG_FLAGS_H_
