#include "server/app.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "base/file_system.h"
#include "model/duration.h"
#include "model/value.h"
#include "promql/parser/parser.h"
#include "server/api/feature_list.h"
#include "server/api/federate.h"
#include "server/config/default_config.h"
#include "server/config/file_fingerprint.h"
#include "server/config/go_url.h"
#include "server/exit_on_signal.h"
#include "server/inactive_options.h"
#include "server/probe.h"
#include "server/web/process_metrics.h"
#include "server/web/web.h"

namespace deucalion {
namespace {

// What Prometheus allows requests in flight at shutdown.
constexpr std::chrono::seconds kShutdownGrace{5};
// Event loops of the HTTP server, a processor each: they also run what is cheap (loop.h).
constexpr size_t kMaxIoThreads = 4;
constexpr int64_t kNodeExporterPort = 9100;
constexpr std::string_view kInactive = "Configured but not supported yet: it has no effect";

std::string HostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "localhost";
}

LogLevel LevelOf(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "warn") return LogLevel::kWarn;
  if (text == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

// The signals that end or reload the server are taken by one thread, in sigwait.
sigset_t HandledSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  return set;
}

size_t WorkerThreads() { return std::max(1u, std::thread::hardware_concurrency()); }

promql::ParserOptions ParserOptionsOf(const config::FeatureSet& features) {
  promql::ParserOptions options;
  options.experimental_functions = features.promql_experimental_functions;
  options.extended_range_selectors = features.promql_extended_range_selectors;
  options.binop_fill_modifiers = features.promql_binop_fill_modifiers;
  return options;
}

api::FeatureSwitches FeatureSwitchesOf(const config::Flags& flags,
                                       const config::FeatureSet& features) {
  return {.agent = flags.agent,
          .auto_reload_config = flags.config_auto_reload,
          .admin = flags.web_enable_admin_api,
          .lifecycle = flags.web_enable_lifecycle,
          .remote_write_receiver = flags.web_enable_remote_write_receiver,
          .otlp_receiver = flags.web_enable_otlp_receiver,
          .otlp_native_delta = features.otlp_native_delta_ingestion,
          .experimental_functions = features.promql_experimental_functions,
          .extended_range_selectors = features.promql_extended_range_selectors,
          .fill_modifiers = features.promql_binop_fill_modifiers,
          .delayed_name_removal = features.promql_delayed_name_removal,
          .per_step_stats = features.promql_per_step_stats,
          .type_and_unit_labels = features.type_and_unit_labels,
          .start_zero_ingestion = features.created_timestamp_zero_ingestion,
          .exemplar_storage = features.exemplar_storage};
}

}  // namespace

App::App(config::CommandLine command_line, config::BuildInfo build, bool use_default_config)
    : command_line_(std::move(command_line)),
      build_(build),
      use_default_config_(use_default_config),
      data_path_(flags_.agent ? flags_.agent_path : flags_.tsdb_path),
      start_ms_(Clock::Real()->NowMs()),
      clean_end_(FileSystem::Posix(), data_path_),
      logger_(Logger::Stderr(LevelOf(flags_.log_level),
                             flags_.log_format == "json" ? LogFormat::kJson : LogFormat::kLogfmt)) {
}

App::~App() = default;

std::shared_ptr<const config::Config> App::CurrentConfig() const {
  MutexLock lock(config_mu_);
  return config_;
}

std::string App::ConfigName() const {
  return use_default_config_ ? "(embedded default)" : flags_.config_file;
}

bool App::WatchesConfig() const {
  return flags_.config_auto_reload && flags_.config_auto_reload_interval_ms > 0 &&
         !use_default_config_;
}

Result<config::Config> App::LoadConfig() const {
  config::LoadOptions options;
  options.agent = flags_.agent;
  options.features = features_;
  options.check_expression = [parser = ParserOptionsOf(features_)](std::string_view text) {
    return promql::Parse(text, parser).TakeStatus();
  };
  if (!use_default_config_) return config::LoadConfig(flags_.config_file, options);
  const std::string text = config::DefaultConfigText(flags_.web_listen_addresses.front(),
                                                     PortAnswers(kNodeExporterPort));
  return config::ParseConfig(text, "(embedded default)", ".", options);
}

int App::Run() {
  // Before any thread exists, so that all of them inherit it.
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  if (const int status = Prepare(); status != 0) return status;
  for (const auto& step : {&App::StartHttp, &App::OpenDatabase, &App::StartScraping}) {
    const Status started = (this->*step)();
    if (!started.ok()) {
      logger_->Error("Fatal error", {{"err", started}});
      Shutdown();
      return 1;
    }
  }
  logger_->Info("Server is ready to receive web requests.");
  WaitForSignals();
  Shutdown();
  logger_->Info("See you next time!");
  return 0;
}

int App::Prepare() {
  for (const config::FeatureNote& note : command_line_.notes) {
    if (IsInactiveFeature(note.option)) {
      logger_->Warn(kInactive, {{"feature", note.option}});
    } else {
      logger_->Log(note.level, note.message, {{"option", note.option}});
    }
  }
  for (const std::string& flag : InactiveFlags(flags_)) logger_->Warn(kInactive, {{"flag", flag}});
  if (WatchesConfig()) {
    MutexLock lock(reload_mu_);
    fingerprint_ = config::FileFingerprint(flags_.config_file).value_or(0);
  }
  auto loaded = LoadConfig();
  if (!loaded.ok()) {
    logger_->Error("Error loading config (--config.file=" + flags_.config_file + ")",
                   {{"file", std::filesystem::absolute(flags_.config_file).string()},
                    {"err", loaded.status()}});
    return 2;
  }
  const auto external = config::ResolveExternalUrl(flags_.web_external_url,
                                                   flags_.web_listen_addresses.front(), HostName());
  if (!external.ok()) {
    std::fprintf(stderr, "parse external URL \"%s\": %s\n", flags_.web_external_url.c_str(),
                 external.status().message().c_str());
    return 2;
  }
  external_url_ = external->url;
  external_path_ = external->path;
  if (use_default_config_) flags_.web_enable_remote_write_receiver = true;
  const auto& tsdb = loaded->storage.tsdb;
  const bool retention = tsdb.has_value() && tsdb->retention.has_value();
  const bool retention_given =
      flags_.tsdb_retention_time_ms != 0 || flags_.tsdb_retention_size != 0 || retention;
  config::SettleFlags(external_path_, retention ? tsdb->retention->time_ms : 0,
                      retention ? tsdb->retention->size : 0, &flags_);
  if (!retention_given && !flags_.agent) {
    logger_->Info("No time or size retention was set so using the default time retention",
                  {{"duration", FormatDuration(flags_.tsdb_retention_time_ms)}});
  }
  LogInactive(*loaded);
  {
    MutexLock lock(config_mu_);
    config_ = std::make_shared<const config::Config>(std::move(*loaded));
  }
  logger_->Info(
      "Starting Deucalion",
      {{"version", build_.version}, {"revision", build_.revision}, {"config", ConfigName()}});
  return 0;
}

void App::LogInactive(const config::Config& config) {
  for (const std::string& note : config.notes) logger_->Warn(note);
  static const std::set<std::string, std::less<>> kActive = {"static_configs",
                                                             "file_sd_configs",
                                                             "http_sd_configs",
                                                             "dns_sd_configs",
                                                             std::string(config::kRemoteWritePart),
                                                             std::string(config::kRemoteReadPart),
                                                             std::string(config::kExemplarsPart),
                                                             std::string(config::kOtlpPart)};
  for (const std::string& what : config.Inactive(kActive)) {
    logger_->Warn(kInactive, {{"section", what}});
  }
}

promql::EngineOptions App::EngineOptionsOf() {
  promql::EngineOptions options;
  options.lookback_delta_ms = flags_.query_lookback_delta_ms;
  options.timeout_ms = flags_.query_timeout_ms;
  options.max_samples = flags_.query_max_samples;
  options.max_concurrency = static_cast<int>(flags_.query_max_concurrency);
  options.max_total_bytes = static_cast<uint64_t>(flags_.query_max_memory);
  options.experimental_functions = features_.promql_experimental_functions;
  options.delayed_name_removal = features_.promql_delayed_name_removal;
  options.use_start_timestamps = features_.use_start_timestamps;
  options.extended_range_selectors = features_.promql_extended_range_selectors;
  options.binop_fill_modifiers = features_.promql_binop_fill_modifiers;
  options.per_step_stats = features_.promql_per_step_stats;
  options.type_and_unit_labels = features_.type_and_unit_labels;
  options.default_subquery_step = [this](int64_t) {
    return CurrentConfig()->global.evaluation_interval_ms;
  };
  options.result_cache_bytes = static_cast<uint64_t>(flags_.query_cache_size);
  options.pool = query_workers_.get();
  options.metrics = &metrics_;
  options.logger = logger_.get();
  if (!flags_.agent) options.active_query_path = JoinPath(data_path_, "queries.active");
  return options;
}

scrape::ScrapeOptions App::ScrapeOptionsOf() const {
  scrape::ScrapeOptions options;
  options.user_agent = "Prometheus/" + std::string(build_.version);
  options.extra_metrics = features_.extra_scrape_metrics;
  options.append_metadata = features_.metadata_wal_records;
  options.type_and_unit_labels = features_.type_and_unit_labels;
  options.start_zero_ingestion = features_.created_timestamp_zero_ingestion;
  options.start_timestamps = features_.st_storage;
  options.adjust_timestamps = flags_.scrape_adjust_timestamps;
  options.timestamp_tolerance_ms = flags_.scrape_timestamp_tolerance_ns / 1'000'000;
  options.discovery_reload_interval_ms = flags_.scrape_discovery_reload_interval_ms;
  return options;
}

remote::WriteSenderOptions App::SenderOptionsOf() {
  remote::WriteSenderOptions options;
  options.logger = logger_.get();
  options.metrics = &metrics_;
  options.user_agent = "Prometheus/" + std::string(build_.version);
  options.dials = &dial_metrics_;
  options.flush_deadline_ms = flags_.remote_flush_deadline_ms;
  options.newest_ms = [this] {
    Storage* const storage = storage_.get();
    return storage == nullptr ? kMinTimeMs : storage->admin()->TimeBounds().second;
  };
  // What the targets say now, each family once.
  options.metadata = [this] {
    std::map<std::string, Metadata> families;
    for (const scrape::PoolTargets& pool : scraper_->manager().Targets()) {
      for (const auto& loop : pool.active) {
        for (scrape::FamilyMetadata& family : loop->cache().ListMetadata()) {
          families.emplace(std::move(family.family), std::move(family.metadata));
        }
      }
    }
    return remote::SendQueue::FamilyMetadata(families.begin(), families.end());
  };
  return options;
}

api::ApiOptions App::ApiOptionsOf() {
  api::ApiOptions options;
  options.engine = engine_.get();
  options.parser = ParserOptionsOf(features_);
  options.storage = [this] { return storage_.get(); };
  options.queryable = [this] { return readable_.get(); };
  options.stopping = [this] { return stopping_.load(); };
  options.replay = [this] { return storage_opener_.replay(); };
  options.scrape = &scraper_->manager();
  options.metrics = &metrics_;
  options.logger = logger_.get();
  options.clock = Clock::Real();
  options.notifications = notifications_.get();
  options.features = &feature_registry_;
  options.config_yaml = [this] { return CurrentConfig()->ToYaml(); };
  options.scrape_config_yaml = [this](const std::string& job) -> Result<std::string> {
    // A configuration that holds nothing but the job, printed by the one printer there is.
    config::Config one;
    for (scrape::ScrapeConfig& candidate : CurrentConfig()->AllScrapeConfigs()) {
      if (candidate.job_name == job) one.scrape_configs.push_back(std::move(candidate));
    }
    if (one.scrape_configs.empty()) return NotFoundError("scrape pool \"" + job + "\" not found");
    const std::string yaml = one.ToYaml();
    const size_t begin = yaml.find("scrape_configs:\n");
    return begin == std::string::npos ? yaml : yaml.substr(begin + 16);
  };
  for (const auto& [name, value] : config::FlagValues(flags_)) {
    options.flags.emplace_back(name, value);
  }
  options.runtime = [this] {
    api::RuntimeInfo info;
    info.start_ms = start_ms_;
    info.reload_config_success = last_reload_ok_;
    info.last_config_ms = last_reload_ms_;
    info.storage_retention = RetentionText(SettingsOf(*CurrentConfig(), flags_, features_));
    info.threads = static_cast<int64_t>(web::ReadProcessUsage().threads);
    return info;
  };
  options.build = {std::string(build_.version),    std::string(build_.revision),
                   std::string(build_.branch),     std::string(build_.build_user),
                   std::string(build_.build_date), std::string(build_.compiler)};
  options.remote_write = [this](http::Request& request, http::Response* response) {
    if (write_handler_ != nullptr) return write_handler_->Serve(request, response);
    response->Error(404,
                    "remote write receiver needs to be enabled with "
                    "--web.enable-remote-write-receiver");
  };
  options.otlp_write = [this](http::Request& request, http::Response* response) {
    if (otlp_handler_ != nullptr) return otlp_handler_->Serve(request, response);
    response->Error(404, "otlp write receiver needs to be enabled with --web.enable-otlp-receiver");
  };
  options.remote_read = [this](http::Request& request, http::Response* response) {
    if (flags_.agent) return response->Error(500, api::kNoReadsInAgent);
    read_handler_->Serve(request, response);
  };
  options.agent = flags_.agent;
  options.enable_admin = flags_.web_enable_admin_api;
  options.external_url = external_url_;
  const auto url = config::ParseGoUrl(external_url_);
  if (url.ok()) {
    options.external_scheme = url->scheme;
    options.external_host = url->host;
  }
  const std::string& listen = flags_.web_listen_addresses.front();
  options.listen_port = listen.substr(listen.rfind(':') + 1);
  return options;
}

void App::RegisterRoutes() {
  router_ = std::make_unique<http::Router>(
      flags_.web_route_prefix == "/" ? std::string() : flags_.web_route_prefix);
  web::WebOptions web;
  web.metrics = &metrics_;
  web.ready = [this] { return storage_.get() != nullptr; };
  web.stopping = [this] { return stopping_.load(); };
  web.enable_lifecycle = flags_.web_enable_lifecycle;
  web.reload = [this] { return Reload(); };
  web.quit = [] { ::kill(::getpid(), SIGTERM); };
  web.version = build_.version;
  web.version_json = api_->BuildInfoJson();
  web.user_assets = flags_.web_user_assets;
  web.agent = flags_.agent;
  web.page_title = flags_.web_page_title;
  web.path_prefix = external_path_;
  web::Register(web, router_.get());
  api_->Register(router_.get());
  api::RegisterFederate(
      {.storage = [this] { return storage_.get(); },
       .stopping = [this] { return stopping_.load(); },
       .agent = flags_.agent,
       .clock = Clock::Real(),
       .lookback_ms = flags_.query_lookback_delta_ms,
       .external_labels = [this] { return CurrentConfig()->global.scrape.external_labels; },
       .metrics = &metrics_},
      router_.get());
}

Status App::StartHttp() {
  storage_gauges_ = std::make_unique<StorageGauges>(&metrics_, flags_.agent);
  web::AddProcessMetrics(&metrics_, build_.version, build_.revision, build_.branch);
  reload_success_ =
      metrics_.AddGauge("prometheus_config_last_reload_successful",
                        "Whether the last configuration reload attempt was successful.");
  reload_time_ = metrics_.AddGauge("prometheus_config_last_reload_success_timestamp_seconds",
                                   "Timestamp of the last successful configuration reload.");
  ready_metric_ = metrics_.AddGauge("prometheus_ready",
                                    "Whether Prometheus startup was fully completed and the "
                                    "server is ready for normal operation.");
  notifications_ = std::make_unique<api::Notifications>(
      Clock::Real(), static_cast<size_t>(flags_.web_max_notifications_subscribers), &metrics_);
  notifications_->Add(api::kStartingUpText);
  RETURN_IF_ERROR(FileSystem::Posix()->CreateDirs(data_path_));

  query_workers_ = std::make_unique<WorkerPool>("query-worker", WorkerThreads());
  engine_ = std::make_unique<promql::Engine>(EngineOptionsOf());
  readable_ = std::make_unique<remote::RemoteReadable>(
      remote::RemoteReadOptions{.storage = [this] { return storage_.get(); },
                                .metrics = &metrics_,
                                .user_agent = "Prometheus/" + std::string(build_.version),
                                .dials = &dial_metrics_,
                                .margin_ms = 2 * flags_.tsdb_min_block_duration_ms});
  scraper_ = std::make_unique<scrape::Scraper>(
      ScrapeOptionsOf(), scrape::Scraper::Dependencies{.storage = &storage_,
                                                       .registry = &metrics_,
                                                       .log = logger_.get(),
                                                       .dials = &dial_metrics_,
                                                       .threads = WorkerThreads()});
  write_sender_ = std::make_unique<remote::WriteSender>(SenderOptionsOf());
  if (flags_.web_enable_remote_write_receiver) {
    const auto accepts = [this](std::string_view message) {
      return std::find(flags_.web_remote_write_messages.begin(),
                       flags_.web_remote_write_messages.end(),
                       message) != flags_.web_remote_write_messages.end();
    };
    write_handler_ = std::make_unique<remote::WriteHandler>(remote::WriteHandlerOptions{
        .storage = [this] { return storage_.get(); },
        .clock = Clock::Real(),
        .logger = logger_.get(),
        .metrics = &metrics_,
        .accept_v1 = accepts("prometheus.WriteRequest"),
        .accept_v2 = accepts("io.prometheus.write.v2.Request"),
        .start_zero_ingestion = features_.created_timestamp_zero_ingestion});
  }
  if (flags_.web_enable_otlp_receiver) {
    otlp_handler_ = std::make_unique<remote::OtlpHandler>(remote::OtlpHandlerOptions{
        .storage = [this] { return storage_.get(); },
        .config = [this] { return CurrentConfig()->otlp; },
        .clock = Clock::Real(),
        .logger = logger_.get(),
        .metrics = &metrics_,
        .lookback_ms = flags_.query_lookback_delta_ms,
        .allow_delta = features_.otlp_native_delta_ingestion,
        .type_and_unit_labels = features_.type_and_unit_labels,
        .start_zero_ingestion = features_.created_timestamp_zero_ingestion});
  }
  read_handler_ = std::make_unique<remote::ReadHandler>(remote::ReadHandlerOptions{
      .storage = [this] { return storage_.get(); },
      .querier = [this](int64_t min_ms, int64_t max_ms,
                        int hops) { return readable_->NewQuerier(min_ms, max_ms, hops); },
      .external_labels = [this] { return CurrentConfig()->global.scrape.external_labels; },
      .logger = logger_.get(),
      .metrics = &metrics_,
      .sample_limit = static_cast<size_t>(flags_.remote_read_sample_limit),
      .concurrent_limit = static_cast<size_t>(flags_.remote_read_concurrent_limit),
      .max_bytes_in_frame = static_cast<size_t>(flags_.remote_read_max_bytes_in_frame)});
  api::RegisterFeatures(api::FeatureSources::BuiltIn(), FeatureSwitchesOf(flags_, features_),
                        &feature_registry_);
  api::ApiOptions api_options = ApiOptionsOf();
  ASSIGN_OR_RETURN(api_options.cors, api::Cors::Make(flags_.web_cors_origin));
  api_ = std::make_unique<api::Api>(std::move(api_options));
  RegisterRoutes();

  http::ServerOptions options;
  options.listen_addresses = flags_.web_listen_addresses;
  options.max_connections = static_cast<size_t>(flags_.web_max_connections);
  options.timeouts.read = std::chrono::milliseconds(flags_.web_read_timeout_ms);
  options.io_threads = std::min<size_t>(WorkerThreads(), kMaxIoThreads);
  options.query.threads = static_cast<size_t>(std::max<int64_t>(flags_.query_max_concurrency, 1));
  options.query.max_wait = std::chrono::milliseconds(flags_.query_timeout_ms);
  RETURN_IF_ERROR(SecureHttp(&options));
  http_ =
      std::make_unique<http::Server>(std::move(options), router_.get(), &metrics_, logger_.get());
  const Status listening = http_->Start();
  if (!listening.ok()) return listening.WithContext("Unable to start web listener");
  return OkStatus();
}

// What --web.config.file asks for.
Status App::SecureHttp(http::ServerOptions* options) {
  if (flags_.web_config_file.empty()) return OkStatus();
  auto security = web::WebSecurity::Load(flags_.web_config_file, FileSystem::Posix(), Clock::Real(),
                                         logger_.get());
  if (!security.ok()) {
    return security.TakeStatus().WithContext("Unable to validate web configuration file");
  }
  security_ = std::move(security).value();
  options->gate = [this](const http::Request& request, http::Response* response) {
    return security_->Admit(request, response);
  };
  if (security_->tls_enabled()) options->tls = [this] { return security_->Tls(); };
  logger_->Info(security_->tls_enabled() ? "TLS is enabled." : "TLS is disabled.",
                {{"http2", false}});
  return OkStatus();
}

Status App::OpenDatabase() {
  const int64_t begin_ns = Clock::Real()->MonotonicNs();
  const auto config = CurrentConfig();
  logger_->Info("Starting TSDB ...", {{"path", data_path_}});
  const bool clean = clean_end_.WasClean();
  const ExitOnSignal exit_on_signal(logger_.get());
  ASSIGN_OR_RETURN(owned_storage_,
                   storage_opener_.Open({.path = data_path_,
                                         .flags = &flags_,
                                         .features = &features_,
                                         .logger = logger_.get(),
                                         .metrics = &metrics_,
                                         .settings = SettingsOf(*config, flags_, features_)}));
  clean_end_.Clear();
  const double seconds = static_cast<double>(Clock::Real()->MonotonicNs() - begin_ns) / 1e9;
  storage_gauges_->Started(!(flags_.agent ? flags_.agent_no_lockfile : flags_.tsdb_no_lockfile),
                           clean, seconds);
  logger_->Info("TSDB started", {{"seconds", seconds}});
  return OkStatus();
}

Status App::StartScraping() {
  MutexLock lock(reload_mu_);
  // Before anything can be appended: a new queue starts at the present.
  const auto config = CurrentConfig();
  RETURN_IF_ERROR(write_sender_->Apply(owned_storage_.get(), config->remote_write,
                                       config->global.scrape.external_labels));
  storage_.Set(owned_storage_.get());
  RETURN_IF_ERROR(Apply(*CurrentConfig()));
  logger_->Info("Completed loading of configuration file", {{"filename", ConfigName()}});
  notifications_->Delete(api::kStartingUpText);
  ready_metric_->Set(1);
  return OkStatus();
}

// Every part gets the new configuration, even when another refuses it.
Status App::Apply(const config::Config& config) {
  bool failed = false;
  const auto check = [&](const Status& applied) {
    if (applied.ok()) return;
    logger_->Error("Failed to apply configuration", {{"err", applied}});
    failed = true;
  };
  const StorageSettings settings = SettingsOf(config, flags_, features_);
  check(storage_.get()->admin()->Apply(settings));
  storage_gauges_->Apply(settings);
  check(write_sender_->Apply(storage_.get(), config.remote_write,
                             config.global.scrape.external_labels));
  check(readable_->Apply(config.remote_read, config.global.scrape.external_labels));
  check(engine_->SetQueryLogFile(config.global.query_log_file));
  check(scraper_->ApplyConfig(config.AllScrapeConfigs(), config.global.scrape.external_labels));
  if (failed) {
    return InternalError(
        "one or more errors occurred while applying the new configuration "
        "(--config.file=\"" +
        flags_.config_file + "\")");
  }
  last_reload_ms_ = Clock::Real()->NowMs();
  last_reload_ok_ = true;
  reload_success_->Set(1);
  reload_time_->Set(static_cast<double>(last_reload_ms_) / 1000);
  return OkStatus();
}

Status App::Reload() {
  MutexLock lock(reload_mu_);
  if (storage_.get() == nullptr || stopping_) return UnavailableError("not ready");
  // Taken before the files are read: a change in between is found the next time.
  const uint64_t fingerprint =
      WatchesConfig() ? config::FileFingerprint(flags_.config_file).value_or(0) : 0;
  logger_->Info("Loading configuration file", {{"filename", ConfigName()}});
  auto loaded = LoadConfig();
  Status status = loaded.ok() ? Apply(*loaded)
                              : loaded.status().WithContext(
                                    "couldn't load configuration "
                                    "(--config.file=\"" +
                                    flags_.config_file + "\")");
  if (!status.ok()) {
    logger_->Error("Error reloading config", {{"err", status}});
    last_reload_ok_ = false;
    reload_success_->Set(0);
    notifications_->Add(api::kReloadFailedText);
    return status;
  }
  LogInactive(*loaded);
  notifications_->Delete(api::kReloadFailedText);
  {
    MutexLock config_lock(config_mu_);
    config_ = std::make_shared<const config::Config>(std::move(*loaded));
  }
  // Only what was applied counts: a broken file is tried again, and complained about, until mended.
  fingerprint_ = fingerprint;
  logger_->Info("Completed loading of configuration file", {{"filename", ConfigName()}});
  return OkStatus();
}

void App::ReloadIfChanged() {
  const Result<uint64_t> now = config::FileFingerprint(flags_.config_file);
  if (now.ok()) {
    MutexLock lock(reload_mu_);
    if (fingerprint_ == *now) return;
  } else {
    logger_->Error("Failed to generate checksum during configuration reload",
                   {{"err", now.status()}});
  }
  logger_->Info("Configuration file change detected, reloading the configuration.");
  (void)Reload();  // has been logged
}

void App::WaitForSignals() {
  const sigset_t signals = HandledSignals();
  const timespec interval{.tv_sec = flags_.config_auto_reload_interval_ms / 1000,
                          .tv_nsec = flags_.config_auto_reload_interval_ms % 1000 * 1'000'000};
  for (;;) {
    const int signal = WatchesConfig() ? ::sigtimedwait(&signals, nullptr, &interval)
                                       : ::sigwaitinfo(&signals, nullptr);
    if (signal < 0) {
      if (errno == EAGAIN) ReloadIfChanged();
      continue;
    }
    if (signal == SIGHUP) {
      (void)Reload();  // has been logged
      continue;
    }
    LogSignal(logger_.get(), signal);
    return;
  }
}

void App::Shutdown() {
  stopping_ = true;
  if (ready_metric_ != nullptr) ready_metric_->Set(0);
  if (notifications_ != nullptr) {
    notifications_->Add(api::kShuttingDownText);
    notifications_->CloseAll();
  }
  if (scraper_ != nullptr) scraper_->Stop();
  if (http_ != nullptr) http_->Stop(kShutdownGrace);
  if (write_sender_ != nullptr) write_sender_->Stop();
  storage_.Set(nullptr);
  http_.reset();
  router_.reset();
  api_.reset();
  write_handler_.reset();
  otlp_handler_.reset();
  write_sender_.reset();
  read_handler_.reset();
  scraper_.reset();
  engine_.reset();
  readable_.reset();
  if (owned_storage_ != nullptr) {
    const Status closed = owned_storage_->Close();
    if (closed.ok()) {
      clean_end_.Set();
    } else {
      logger_->Error("Closing the database failed", {{"err", closed}});
    }
  }
  owned_storage_.reset();
}

}  // namespace deucalion
