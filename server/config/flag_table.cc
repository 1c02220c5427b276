// The table of flags, in the order of Prometheus's --help. Names, defaults and help texts are part
// of its interface; ours come last and say so.
#include <array>

#include "server/config/flags.h"

namespace deucalion::config {
namespace {

using K = FlagKind;
using F = Flags;
constexpr FlagMode kBoth = FlagMode::kBoth;
constexpr FlagMode kServer = FlagMode::kServer;
constexpr FlagMode kAgent = FlagMode::kAgent;

// A row is easier to read as two or three lines than as seven.
// clang-format off
constexpr auto kTable = std::to_array<FlagSpec>({
    {.name = "config.file", .kind = K::kString, .member = &F::config_file,
     .default_text = "prometheus.yml", .help = "Prometheus configuration file path."},
    {.name = "config.auto-reload", .kind = K::kBool, .member = &F::config_auto_reload,
     .default_text = "false",
     .help = "Enable automatic reloading of the configuration file and the files it refers to when "
             "they change."},
    {.name = "config.auto-reload-interval", .kind = K::kDuration,
     .member = &F::config_auto_reload_interval_ms, .default_text = "30s",
     .help = "Specifies the interval for checking and automatically reloading the Prometheus "
             "configuration file upon detecting changes."},
    {.name = "web.listen-address", .kind = K::kStrings, .member = &F::web_listen_addresses,
     .default_text = "0.0.0.0:9090",
     .help = "Address to listen on for UI, API, and telemetry. Can be repeated."},
    {.name = "auto-gomaxprocs", .kind = K::kBool, .member = &F::auto_gomaxprocs,
     .default_text = "true",
     .help = "Automatically set GOMAXPROCS to match Linux container CPU quota"},
    {.name = "auto-gomemlimit", .kind = K::kBool, .member = &F::auto_gomemlimit,
     .default_text = "true",
     .help = "Automatically set GOMEMLIMIT to match Linux container or system memory limit"},
    {.name = "auto-gomemlimit.ratio", .kind = K::kFloat, .member = &F::auto_gomemlimit_ratio,
     .default_text = "0.9",
     .help = "The ratio of reserved GOMEMLIMIT memory to the detected maximum container or system "
             "memory"},
    {.name = "auto-gomemlimit.refresh-interval", .kind = K::kDuration,
     .member = &F::auto_gomemlimit_refresh_interval_ms, .default_text = "0s",
     .help = "Interval at which the memory limit is detected again. 0 detects it once at startup."},
    {.name = "web.config.file", .kind = K::kString, .member = &F::web_config_file,
     .default_text = "",
     .help = "[EXPERIMENTAL] Path to configuration file that can enable TLS or authentication."},
    {.name = "web.read-timeout", .kind = K::kDuration, .member = &F::web_read_timeout_ms,
     .default_text = "5m",
     .help = "Maximum duration before timing out read of the request, and closing idle "
             "connections."},
    {.name = "web.max-connections", .kind = K::kInt, .member = &F::web_max_connections,
     .default_text = "512",
     .help = "Maximum number of simultaneous connections across all listeners."},
    {.name = "web.max-notifications-subscribers", .kind = K::kInt,
     .member = &F::web_max_notifications_subscribers, .default_text = "16",
     .help = "Limits the maximum number of subscribers that can concurrently receive live "
             "notifications. If the limit is reached, new subscription requests will be denied until "
             "existing connections close."},
    {.name = "web.external-url", .kind = K::kString, .member = &F::web_external_url,
     .default_text = "",
     .help = "The URL under which Prometheus is externally reachable (for example, if Prometheus is "
             "served via a reverse proxy). Used for generating relative and absolute links back to "
             "Prometheus itself. If the URL has a path portion, it will be used to prefix all HTTP "
             "endpoints served by Prometheus. If omitted, relevant URL components will be derived "
             "automatically.",
     .no_default = true, .placeholder = "<URL>"},
    {.name = "web.route-prefix", .kind = K::kString, .member = &F::web_route_prefix,
     .default_text = "",
     .help = "Prefix for the internal routes of web endpoints. Defaults to path of "
             "--web.external-url.",
     .no_default = true, .placeholder = "<path>"},
    {.name = "web.user-assets", .kind = K::kString, .member = &F::web_user_assets,
     .default_text = "", .help = "Path to static asset directory, available at /user.",
     .no_default = true, .placeholder = "<path>"},
    {.name = "web.enable-lifecycle", .kind = K::kBool, .member = &F::web_enable_lifecycle,
     .default_text = "false", .help = "Enable shutdown and reload via HTTP request."},
    {.name = "web.enable-admin-api", .kind = K::kBool, .member = &F::web_enable_admin_api,
     .default_text = "false", .help = "Enable API endpoints for admin control actions."},
    {.name = "web.enable-remote-write-receiver", .kind = K::kBool,
     .member = &F::web_enable_remote_write_receiver, .default_text = "false",
     .help = "Enable API endpoint accepting remote write requests."},
    {.name = "web.remote-write-receiver.accepted-protobuf-messages",
     .kind = K::kProtobufMessages, .member = &F::web_remote_write_messages,
     .default_text = "prometheus.WriteRequest|io.prometheus.write.v2.Request",
     .help = "List of the remote write protobuf messages to accept when receiving the remote "
             "writes. Supported values: prometheus.WriteRequest, io.prometheus.write.v2.Request"},
    {.name = "web.enable-otlp-receiver", .kind = K::kBool, .member = &F::web_enable_otlp_receiver,
     .default_text = "false", .help = "Enable API endpoint accepting OTLP write requests."},
    {.name = "web.console.templates", .kind = K::kString, .member = &F::web_console_templates,
     .default_text = "consoles",
     .help = "Path to the console template directory, available at /consoles."},
    {.name = "web.console.libraries", .kind = K::kString, .member = &F::web_console_libraries,
     .default_text = "console_libraries", .help = "Path to the console library directory."},
    {.name = "web.page-title", .kind = K::kString, .member = &F::web_page_title,
     .default_text = "Prometheus Time Series Collection and Processing Server",
     .help = "Document title of Prometheus instance."},
    {.name = "web.cors.origin", .kind = K::kString, .member = &F::web_cors_origin,
     .default_text = ".*",
     .help = "Regex for CORS origin. It is fully anchored. Example: "
             "'https?://(domain1|domain2)\\.com'"},
    {.name = "web.search.max-limit", .kind = K::kInt, .member = &F::web_search_max_limit,
     .default_text = "10000",
     .help = "Maximum limit a request to the search API may ask for. 0 means no limit."},

    {.name = "storage.tsdb.path", .kind = K::kString, .member = &F::tsdb_path,
     .default_text = "data/", .help = "Base path for metrics storage.", .mode = kServer},
    {.name = "storage.tsdb.min-block-duration", .kind = K::kDuration,
     .member = &F::tsdb_min_block_duration_ms, .default_text = "2h",
     .help = "Minimum duration of a data block before being persisted. For use in testing.",
     .mode = kServer, .hidden = true},
    {.name = "storage.tsdb.max-block-duration", .kind = K::kDuration,
     .member = &F::tsdb_max_block_duration_ms, .default_text = "",
     .help = "Maximum duration compacted blocks may span. For use in testing. (Defaults to 10% of "
             "the retention period.)",
     .mode = kServer, .hidden = true, .no_default = true, .placeholder = "<duration>"},
    {.name = "storage.tsdb.max-block-chunk-segment-size", .kind = K::kBytes,
     .member = &F::tsdb_max_block_chunk_segment_size, .default_text = "",
     .help = "The maximum size for a single chunk segment in a block. Example: 512MB",
     .mode = kServer, .hidden = true, .no_default = true, .placeholder = "<bytes>"},
    {.name = "storage.tsdb.wal-segment-size", .kind = K::kBytes, .member = &F::tsdb_wal_segment_size,
     .default_text = "",
     .help = "Size at which to split the tsdb WAL segment files. Example: 100MB",
     .mode = kServer, .hidden = true, .no_default = true, .placeholder = "<bytes>"},
    {.name = "storage.tsdb.retention.time", .kind = K::kDuration,
     .member = &F::tsdb_retention_time_ms, .default_text = "",
     .help = "[DEPRECATED] How long to retain samples in storage. If neither this flag nor "
             "\"storage.tsdb.retention.size\" is set, the retention time defaults to 15d. Units "
             "Supported: y, w, d, h, m, s, ms. This flag has been deprecated, use the "
             "storage.tsdb.retention.time field in the config file instead.",
     .mode = kServer, .no_default = true},
    {.name = "storage.tsdb.retention.size", .kind = K::kBytes, .member = &F::tsdb_retention_size,
     .default_text = "",
     .help = "[DEPRECATED] Maximum number of bytes that can be stored for blocks. A unit is "
             "required, supported units: B, KB, MB, GB, TB, PB, EB. Ex: \"512MB\". Based on "
             "powers-of-2, so 1KB is 1024B. This flag has been deprecated, use the "
             "storage.tsdb.retention.size field in the config file instead.",
     .mode = kServer, .no_default = true},
    {.name = "storage.tsdb.no-lockfile", .kind = K::kBool, .member = &F::tsdb_no_lockfile,
     .default_text = "false", .help = "Do not create lockfile in data directory.",
     .mode = kServer},
    {.name = "storage.tsdb.allow-overlapping-compaction", .kind = K::kBool,
     .member = &F::tsdb_allow_overlapping_compaction, .default_text = "true",
     .help = "Allow compaction of overlapping blocks. If set to false, TSDB stops vertical "
             "compaction and leaves overlapping blocks there. The use case is to let another "
             "component handle the compaction of overlapping blocks.",
     .mode = kServer, .hidden = true},
    {.name = "storage.tsdb.wal-compression", .kind = K::kBool, .member = &F::tsdb_wal_compression,
     .default_text = "true",
     .help = "Compress the tsdb WAL. If false, the --storage.tsdb.wal-compression-type flag is "
             "ignored.",
     .mode = kServer, .hidden = true},
    {.name = "storage.tsdb.wal-compression-type", .kind = K::kEnum,
     .member = &F::tsdb_wal_compression_type, .default_text = "snappy",
     .help = "Compression algorithm for the tsdb WAL, used when --storage.tsdb.wal-compression is "
             "true.",
     .mode = kServer, .hidden = true, .choices = "snappy,zstd"},
    {.name = "storage.tsdb.head-chunks-write-queue-size", .kind = K::kInt,
     .member = &F::tsdb_head_chunks_write_queue_size, .default_text = "0",
     .help = "Size of the queue through which head chunks are written to the disk to be m-mapped, 0 "
             "disables the queue completely. Experimental.",
     .mode = kServer},
    {.name = "storage.tsdb.samples-per-chunk", .kind = K::kInt, .member = &F::tsdb_samples_per_chunk,
     .default_text = "120", .help = "Target number of samples per chunk.", .mode = kServer,
     .hidden = true},
    {.name = "storage.tsdb.delayed-compaction.max-percent", .kind = K::kInt,
     .member = &F::tsdb_delayed_compaction_max_percent, .default_text = "10",
     .help = "Sets the upper limit for the random compaction delay, specified as a percentage of "
             "the head chunk range. 100 means the compaction can be delayed by up to the entire "
             "head chunk range. Only effective when the delayed-compaction feature flag is enabled.",
     .mode = kServer, .hidden = true},
    {.name = "storage.tsdb.delay-compact-file.path", .kind = K::kString,
     .member = &F::tsdb_delay_compact_file, .default_text = "",
     .help = "Path to a JSON file with uploaded TSDB blocks e.g. Thanos shipper meta file. If set "
             "TSDB will only compact 1 level blocks that are marked as uploaded in that file, "
             "improving external storage integrations e.g. with Thanos sidecar. 1+ level "
             "compactions won't be delayed.",
     .mode = kServer},
    {.name = "storage.tsdb.block-reload-interval", .kind = K::kDuration,
     .member = &F::tsdb_block_reload_interval_ms, .default_text = "1m",
     .help = "Interval at which to check for new or removed blocks in storage. Users who manually "
             "backfill or drop blocks must wait up to this duration before changes become "
             "available.",
     .mode = kServer, .hidden = true},

    {.name = "storage.agent.path", .kind = K::kString, .member = &F::agent_path,
     .default_text = "data-agent/", .help = "Base path for metrics storage.", .mode = kAgent},
    {.name = "storage.agent.wal-segment-size", .kind = K::kBytes,
     .member = &F::agent_wal_segment_size, .default_text = "",
     .help = "Size at which to split WAL segment files. Example: 100MB", .mode = kAgent,
     .hidden = true, .no_default = true, .placeholder = "<bytes>"},
    {.name = "storage.agent.wal-compression", .kind = K::kBool, .member = &F::agent_wal_compression,
     .default_text = "true",
     .help = "Compress the agent WAL. If false, the --storage.agent.wal-compression-type flag is "
             "ignored.",
     .mode = kAgent},
    {.name = "storage.agent.wal-compression-type", .kind = K::kEnum,
     .member = &F::agent_wal_compression_type, .default_text = "snappy",
     .help = "Compression algorithm for the agent WAL, used when --storage.agent.wal-compression is "
             "true.",
     .mode = kAgent, .hidden = true, .choices = "snappy,zstd"},
    {.name = "storage.agent.wal-truncate-frequency", .kind = K::kDuration,
     .member = &F::agent_wal_truncate_frequency_ms, .default_text = "",
     .help = "The frequency at which to truncate the WAL and remove old data.", .mode = kAgent,
     .hidden = true, .no_default = true, .placeholder = "<duration>"},
    {.name = "storage.agent.retention.min-time", .kind = K::kDuration,
     .member = &F::agent_retention_min_time_ms, .default_text = "5m",
     .help = "Minimum age samples may be before being considered for deletion when the WAL is "
             "truncated",
     .mode = kAgent},
    {.name = "storage.agent.retention.max-time", .kind = K::kDuration,
     .member = &F::agent_retention_max_time_ms, .default_text = "4h",
     .help = "Maximum age samples may be before being forcibly deleted when the WAL is truncated",
     .mode = kAgent},
    {.name = "storage.agent.checkpoint-from-in-memory-series", .kind = K::kBool,
     .member = &F::agent_checkpoint_from_in_memory_series, .default_text = "false",
     .help = "Write WAL checkpoints from the series in memory instead of reading the WAL again.",
     .mode = kAgent},
    {.name = "storage.agent.checkpoint-batch-size", .kind = K::kInt,
     .member = &F::agent_checkpoint_batch_size, .default_text = "1000",
     .help = "Number of series written per batch to a checkpoint made from the series in memory.",
     .mode = kAgent},
    {.name = "storage.agent.no-lockfile", .kind = K::kBool, .member = &F::agent_no_lockfile,
     .default_text = "false", .help = "Do not create lockfile in data directory.", .mode = kAgent},

    {.name = "storage.remote.flush-deadline", .kind = K::kDuration,
     .member = &F::remote_flush_deadline_ms, .default_text = "1m",
     .help = "How long to wait flushing sample on shutdown or config reload.",
     .placeholder = "<duration>"},
    {.name = "storage.remote.read-sample-limit", .kind = K::kInt,
     .member = &F::remote_read_sample_limit, .default_text = "5e7",
     .help = "Maximum overall number of samples to return via the remote read interface, in a "
             "single query. 0 means no limit. This limit is ignored for streamed response types.",
     .mode = kServer},
    {.name = "storage.remote.read-concurrent-limit", .kind = K::kInt,
     .member = &F::remote_read_concurrent_limit, .default_text = "10",
     .help = "Maximum number of concurrent remote read calls. 0 means no limit.",
     .mode = kServer},
    {.name = "storage.remote.read-max-bytes-in-frame", .kind = K::kInt,
     .member = &F::remote_read_max_bytes_in_frame, .default_text = "1048576",
     .help = "Maximum number of bytes in a single frame for streaming remote read response types "
             "before marshalling. Note that client might have limit on frame size as well. 1MB as "
             "recommended by protobuf by default.",
     .mode = kServer},
    {.name = "rules.alert.for-outage-tolerance", .kind = K::kDuration,
     .member = &F::rules_for_outage_tolerance_ms, .default_text = "1h",
     .help = "Max time to tolerate prometheus outage for restoring \"for\" state of alert.",
     .mode = kServer},
    {.name = "rules.alert.for-grace-period", .kind = K::kDuration,
     .member = &F::rules_for_grace_period_ms, .default_text = "10m",
     .help = "Minimum duration between alert and restored \"for\" state. This is maintained only "
             "for alerts with configured \"for\" time greater than grace period.",
     .mode = kServer},
    {.name = "rules.alert.resend-delay", .kind = K::kDuration, .member = &F::rules_resend_delay_ms,
     .default_text = "1m",
     .help = "Minimum amount of time to wait before resending an alert to Alertmanager.",
     .mode = kServer},
    {.name = "rules.max-concurrent-evals", .kind = K::kInt64,
     .member = &F::rules_max_concurrent_evals, .default_text = "4",
     .help = "Global concurrency limit for independent rules that can run concurrently. When set, "
             "\"query.max-concurrency\" may need to be adjusted accordingly.",
     .mode = kServer},
    {.name = "scrape.adjust-timestamps", .kind = K::kBool, .member = &F::scrape_adjust_timestamps,
     .default_text = "true",
     .help = "Adjust scrape timestamps by up to `scrape.timestamp-tolerance` to align them to the "
             "intended schedule. See https://github.com/prometheus/prometheus/issues/7846 for more "
             "context. Experimental. This flag will be removed in a future release.",
     .mode = kBoth, .hidden = true},
    {.name = "scrape.timestamp-tolerance", .kind = K::kGoDuration,
     .member = &F::scrape_timestamp_tolerance_ns, .default_text = "2ms",
     .help = "Timestamp tolerance. See https://github.com/prometheus/prometheus/issues/7846 for "
             "more context. Experimental. This flag will be removed in a future release.",
     .hidden = true},
    {.name = "alertmanager.notification-queue-capacity", .kind = K::kInt,
     .member = &F::alertmanager_queue_capacity, .default_text = "10000",
     .help = "The capacity of the queue for pending Alertmanager notifications.",
     .mode = kServer},
    {.name = "alertmanager.notification-batch-size", .kind = K::kInt,
     .member = &F::alertmanager_batch_size, .default_text = "256",
     .help = "The maximum number of notifications per batch to send to the Alertmanager.",
     .mode = kServer},
    {.name = "alertmanager.drain-notification-queue-on-shutdown", .kind = K::kBool,
     .member = &F::alertmanager_drain_on_shutdown, .default_text = "true",
     .help = "Send any outstanding Alertmanager notifications when shutting down. If false, any "
             "outstanding Alertmanager notifications will be dropped when shutting down.",
     .mode = kServer},
    {.name = "query.lookback-delta", .kind = K::kDuration, .member = &F::query_lookback_delta_ms,
     .default_text = "5m",
     .help = "The maximum lookback duration for retrieving metrics during expression evaluations "
             "and federation.",
     .mode = kServer},
    {.name = "query.timeout", .kind = K::kDuration, .member = &F::query_timeout_ms,
     .default_text = "2m", .help = "Maximum time a query may take before being aborted.",
     .mode = kServer},
    {.name = "query.max-concurrency", .kind = K::kInt, .member = &F::query_max_concurrency,
     .default_text = "20", .help = "Maximum number of queries executed concurrently.",
     .mode = kServer},
    {.name = "query.max-samples", .kind = K::kInt, .member = &F::query_max_samples,
     .default_text = "50000000",
     .help = "Maximum number of samples a single query can load into memory. Note that queries will "
             "fail if they try to load more samples than this into memory, so this also limits the "
             "number of samples a query can return.",
     .mode = kServer},
    {.name = "scrape.discovery-reload-interval", .kind = K::kDuration,
     .member = &F::scrape_discovery_reload_interval_ms, .default_text = "5s",
     .help = "Interval used by scrape manager to throttle target groups updates.", .hidden = true},
    {.name = "enable-feature", .kind = K::kStrings, .member = &F::enable_feature,
     .default_text = "",
     .help = "Comma separated feature names to enable. Valid options: concurrent-rule-eval, "
             "created-timestamp-zero-ingestion, delayed-compaction, exemplar-storage, "
             "extra-scrape-metrics, histograms-st-encoding, memory-snapshot-on-shutdown, "
             "metadata-wal-records, old-ui, otlp-deltatocumulative, otlp-native-delta-ingestion, "
             "promql-binop-fill-modifiers, promql-delayed-name-removal, "
             "promql-experimental-functions, promql-extended-range-selectors, promql-per-step-stats, "
             "search-api, st-storage, st-synthesis, type-and-unit-labels, use-start-timestamps, "
             "use-uncached-io, xor2-encoding. See "
             "https://prometheus.io/docs/prometheus/latest/feature_flags/ for more details."},
    {.name = "agent", .kind = K::kBool, .member = &F::agent, .default_text = "",
     .help = "Run Prometheus in 'Agent mode'.", .no_default = true},

    {.name = "storage.tsdb.wal-durability", .kind = K::kEnum, .member = &F::tsdb_wal_durability,
     .default_text = "interval",
     .help = "[Deucalion only] What a power cut may cost: \"os\" leaves syncing the WAL to the "
             "operating system, \"interval\" syncs every 200 ms, \"always\" before each "
             "acknowledgement. A crash of the process loses nothing with any of them.",
     .mode = kServer, .choices = "os,interval,always"},
    {.name = "query.max-memory", .kind = K::kBytes, .member = &F::query_max_memory,
     .default_text = "0",
     .help = "[Deucalion only] Memory that all running queries may use together. 0 takes a share of "
             "the machine's.",
     .mode = kServer},
    {.name = "query.cache-size", .kind = K::kBytes, .member = &F::query_cache_size,
     .default_text = "64MB",
     .help = "[Deucalion only] Memory for results of range queries, kept as far as they cannot "
             "change any more. 0 turns this off.",
     .mode = kServer},

    {.name = "log.level", .kind = K::kLogLevel, .member = &F::log_level, .default_text = "info",
     .help = "Only log messages with the given severity or above. One of: [debug, info, warn, "
             "error]"},
    {.name = "log.format", .kind = K::kLogFormat, .member = &F::log_format,
     .default_text = "logfmt", .help = "Output format of log messages. One of: [logfmt, json]"},
    {.name = "write-documentation", .kind = K::kBool, .member = &F::write_documentation,
     .default_text = "", .help = "Generate command line documentation. Internal use.",
     .hidden = true, .no_default = true},
});
// clang-format on

}  // namespace

std::span<const FlagSpec> FlagTable() { return kTable; }

}  // namespace deucalion::config
