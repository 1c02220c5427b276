// What the server itself knows about the database: how it started, how long that took, and what is
// kept. Under Prometheus's names.
#ifndef DEUCALION_SERVER_STORAGE_GAUGES_H_
#define DEUCALION_SERVER_STORAGE_GAUGES_H_

#include <string>

#include "base/file_system.h"
#include "base/metrics.h"
#include "tsdb/storage.h"

namespace deucalion {

// Whether the last process that used a data directory ended well. Prometheus reads that from its
// lock file, which it removes at the end; ours stays (removing a lock lets two processes hold one
// of their own), so a file beside it says so.
class CleanEndMark {
 public:
  CleanEndMark(FileSystem* fs, const std::string& data_dir);
  // True for a new directory too. Call before the database is opened.
  bool WasClean() const;
  // While we run.
  void Clear();
  // After the database was closed without an error.
  void Set();

 private:
  FileSystem* const fs_;
  const std::string used_path_;  // there once a database was
  const std::string mark_path_;
};

class StorageGauges {
 public:
  // `agent`: under an agent's names, too.
  StorageGauges(MetricRegistry* metrics, bool agent);
  // -1: there is no lock file, so nothing is known.
  void Started(bool locked, bool clean, double replay_seconds);
  void Apply(const StorageSettings& settings);

 private:
  Gauge* const clean_start_;
  Gauge* const replay_seconds_;
  Gauge* const agent_replay_seconds_;  // null unless this is an agent
  Gauge* const limit_seconds_;
  Gauge* const limit_bytes_;
  Gauge* const limit_percentage_;
};

}  // namespace deucalion

#endif  // DEUCALION_SERVER_STORAGE_GAUGES_H_
