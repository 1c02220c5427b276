#include "server/storage_gauges.h"

namespace deucalion {

CleanEndMark::CleanEndMark(FileSystem* fs, const std::string& data_dir)
    : fs_(fs),
      used_path_(JoinPath(data_dir, "deucalion")),
      mark_path_(JoinPath(used_path_, "ended_well")) {}

bool CleanEndMark::WasClean() const { return !fs_->Exists(used_path_) || fs_->Exists(mark_path_); }

void CleanEndMark::Clear() {
  if (fs_->Exists(mark_path_)) (void)fs_->Remove(mark_path_);
}

void CleanEndMark::Set() { (void)fs_->Create(mark_path_); }

StorageGauges::StorageGauges(MetricRegistry* metrics, bool agent)
    : clean_start_(metrics->AddGauge(
          "prometheus_tsdb_clean_start",
          "-1: lockfile is disabled. 0: the last process on this directory did not end well. 1: it "
          "did, or there was none.")),
      replay_seconds_(metrics->AddGauge("prometheus_tsdb_data_replay_duration_seconds",
                                        "Time taken to replay the data on disk.")),
      agent_replay_seconds_(agent
                                ? metrics->AddGauge("prometheus_agent_data_replay_duration_seconds",
                                                    "Time taken to replay the data on disk.")
                                : nullptr),
      limit_seconds_(metrics->AddGauge("prometheus_tsdb_retention_limit_seconds",
                                       "How long to retain samples in storage.")),
      limit_bytes_(metrics->AddGauge(
          "prometheus_tsdb_retention_limit_bytes",
          "Max number of bytes to be retained in the tsdb blocks, configured 0 means disabled")),
      limit_percentage_(metrics->AddGauge(
          "prometheus_tsdb_retention_limit_percentage",
          "Max percentage of the disk to be used by the tsdb, configured 0 means disabled")) {}

void StorageGauges::Started(bool locked, bool clean, double replay_seconds) {
  clean_start_->Set(!locked ? -1 : clean ? 1 : 0);
  replay_seconds_->Set(replay_seconds);
  if (agent_replay_seconds_ != nullptr) agent_replay_seconds_->Set(replay_seconds);
}

void StorageGauges::Apply(const StorageSettings& settings) {
  limit_seconds_->Set(static_cast<double>(settings.retention_ms) / 1000);
  limit_bytes_->Set(static_cast<double>(settings.retention_bytes));
  limit_percentage_->Set(settings.retention_percent);
}

}  // namespace deucalion
