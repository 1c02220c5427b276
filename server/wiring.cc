#include "server/wiring.h"

#include "model/duration.h"
#include "tsdb/db/db.h"

namespace deucalion {
namespace {

tsdb::wal::Durability DurabilityOf(std::string_view text) {
  if (text == "os") return tsdb::wal::Durability::kOs;
  if (text == "always") return tsdb::wal::Durability::kAlways;
  return tsdb::wal::Durability::kInterval;
}

}  // namespace

struct StorageOpener::Impl {
  std::shared_ptr<tsdb::ReplayTracker> tracker = std::make_shared<tsdb::ReplayTracker>();
};

StorageOpener::StorageOpener() : impl_(std::make_unique<Impl>()) {}
StorageOpener::~StorageOpener() = default;

ReplayProgress StorageOpener::replay() const { return impl_->tracker->progress(); }

Result<std::unique_ptr<Storage>> StorageOpener::Open(const StorageParts& parts) {
  tsdb::DbOptions options;
  options.logger = parts.logger;
  options.metrics = parts.metrics;
  options.tracker = impl_->tracker;
  options.durability = DurabilityOf(parts.flags->tsdb_wal_durability);
  options.settings = parts.settings;
  options.min_block_range_ms = parts.flags->tsdb_min_block_duration_ms;
  options.max_block_range_ms = parts.flags->tsdb_max_block_duration_ms;
  options.agent_metrics = parts.flags->agent;
  options.lock_directory =
      !(parts.flags->agent ? parts.flags->agent_no_lockfile : parts.flags->tsdb_no_lockfile);
  ASSIGN_OR_RETURN(auto db, tsdb::Db::Open(parts.path, options));
  return std::unique_ptr<Storage>(std::move(db));
}

StorageSettings SettingsOf(const config::Config& config, const config::Flags& flags,
                           const config::FeatureSet& features) {
  StorageSettings settings;
  settings.retention_ms = flags.tsdb_retention_time_ms;
  settings.retention_bytes = static_cast<uint64_t>(flags.tsdb_retention_size);
  if (const auto& tsdb = config.storage.tsdb; tsdb.has_value()) {
    settings.out_of_order_window_ms = tsdb->out_of_order_time_window_ms;
    if (const auto& retention = tsdb->retention; retention.has_value()) {
      if (retention->time_ms != 0) settings.retention_ms = retention->time_ms;
      if (retention->size != 0) settings.retention_bytes = static_cast<uint64_t>(retention->size);
      settings.retention_percent = retention->percentage;
    }
  }
  // An agent keeps what remote write may still have to send, and nobody else reads.
  if (flags.agent) {
    settings.retention_ms = flags.agent_retention_max_time_ms;
    settings.retention_bytes = 0;
  }
  if (features.exemplar_storage) {
    settings.max_exemplars = config.storage.exemplars.has_value()
                                 ? config.storage.exemplars->max_exemplars
                                 : config::ExemplarsConfig::kDefaultMax;
  }
  return settings;
}

std::string RetentionText(const StorageSettings& settings) {
  std::string text;
  if (settings.retention_ms > 0) text = FormatDuration(settings.retention_ms);
  const auto add = [&text](const std::string& more) {
    text += (text.empty() ? "" : " or ") + more;
  };
  if (settings.retention_bytes > 0) add(std::to_string(settings.retention_bytes) + "B");
  if (settings.retention_percent > 0) {
    add(std::to_string(static_cast<int64_t>(settings.retention_percent)) + "%");
  }
  return text;
}

}  // namespace deucalion
