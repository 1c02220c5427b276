// App: the server as a whole. Owns every part, starts them in order, reloads the configuration, and
// takes everything down again.
#ifndef DEUCALION_SERVER_APP_H_
#define DEUCALION_SERVER_APP_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/status.h"
#include "base/thread_annotations.h"
#include "base/worker_pool.h"
#include "promql/engine.h"
#include "scrape/fetch/dial_metrics.h"
#include "scrape/scraper.h"
#include "server/api/api.h"
#include "server/api/features.h"
#include "server/api/notifications.h"
#include "server/config/config.h"
#include "server/config/flags.h"
#include "server/http/server.h"
#include "server/remote/fetch/remote_readable.h"
#include "server/remote/otlp/otlp_handler.h"
#include "server/remote/read_handler.h"
#include "server/remote/send/write_sender.h"
#include "server/remote/write_handler.h"
#include "server/storage_gauges.h"
#include "server/web/web_security.h"
#include "server/wiring.h"

namespace deucalion {

// The storage that is not open yet when its users are made. Used only once it is.
class LateStorage : public Appendable {
 public:
  std::unique_ptr<Appender> NewAppender(const AppenderOptions& options) override {
    return storage_.load()->NewAppender(options);
  }
  Storage* get() const { return storage_.load(); }
  void Set(Storage* storage) { storage_ = storage; }

 private:
  std::atomic<Storage*> storage_{nullptr};
};

class App {
 public:
  // `use_default_config`: neither --config.file nor ./prometheus.yml is there.
  App(config::CommandLine command_line, config::BuildInfo build, bool use_default_config);
  ~App();

  // Serves until a signal or /-/quit ends it. The process's exit status.
  int Run();

 private:
  Result<config::Config> LoadConfig() const;
  std::string ConfigName() const;  // for the log
  // Start-up, in order; an error has been logged.
  int Prepare();
  Status StartHttp();
  Status SecureHttp(http::ServerOptions* options);
  Status OpenDatabase();
  Status StartScraping();
  void WaitForSignals();
  void Shutdown();

  Status Reload() EXCLUDES(reload_mu_);
  // --config.auto-reload.
  bool WatchesConfig() const;
  void ReloadIfChanged() EXCLUDES(reload_mu_);
  Status Apply(const config::Config& config) REQUIRES(reload_mu_);
  void LogInactive(const config::Config& config);

  promql::EngineOptions EngineOptionsOf();
  api::ApiOptions ApiOptionsOf();
  scrape::ScrapeOptions ScrapeOptionsOf() const;
  remote::WriteSenderOptions SenderOptionsOf();
  void RegisterRoutes();
  std::shared_ptr<const config::Config> CurrentConfig() const EXCLUDES(config_mu_);

  config::CommandLine command_line_;
  config::Flags& flags_ = command_line_.flags;
  const config::FeatureSet& features_ = command_line_.features;
  const config::BuildInfo build_;
  const bool use_default_config_;
  const std::string data_path_;
  const int64_t start_ms_;
  CleanEndMark clean_end_;
  std::unique_ptr<Logger> logger_;
  std::string external_url_;
  std::string external_path_;

  MetricRegistry metrics_;
  scrape::DialMetrics dial_metrics_{&metrics_};
  Gauge* reload_success_ = nullptr;
  Gauge* reload_time_ = nullptr;
  Gauge* ready_metric_ = nullptr;
  std::unique_ptr<StorageGauges> storage_gauges_;
  api::FeatureRegistry feature_registry_;
  std::unique_ptr<api::Notifications> notifications_;

  mutable Mutex config_mu_;
  std::shared_ptr<const config::Config> config_ GUARDED_BY(config_mu_);
  Mutex reload_mu_;                                  // one reload at a time
  uint64_t fingerprint_ GUARDED_BY(reload_mu_) = 0;  // of the files last applied
  std::atomic<int64_t> last_reload_ms_{0};
  std::atomic<bool> last_reload_ok_{true};

  // Empty until the database has opened.
  LateStorage storage_;
  StorageOpener storage_opener_;
  std::atomic<bool> stopping_{false};

  // In the order in which they are made; taken down in reverse.
  std::unique_ptr<Storage> owned_storage_;
  std::unique_ptr<WorkerPool> query_workers_;
  std::unique_ptr<promql::Engine> engine_;
  std::unique_ptr<remote::RemoteReadable> readable_;
  std::unique_ptr<scrape::Scraper> scraper_;
  std::unique_ptr<remote::WriteSender> write_sender_;
  std::unique_ptr<remote::WriteHandler> write_handler_;
  std::unique_ptr<remote::OtlpHandler> otlp_handler_;
  std::unique_ptr<remote::ReadHandler> read_handler_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Router> router_;
  std::unique_ptr<web::WebSecurity> security_;  // null without --web.config.file
  std::unique_ptr<http::Server> http_;
};

}  // namespace deucalion

#endif  // DEUCALION_SERVER_APP_H_
