// Opens the database behind tsdb/storage.h. With main.cc the only place that names the engine.
#ifndef DEUCALION_SERVER_WIRING_H_
#define DEUCALION_SERVER_WIRING_H_

#include <memory>
#include <string>

#include "base/log.h"
#include "base/metrics.h"
#include "base/status.h"
#include "server/config/config.h"
#include "server/config/flags.h"
#include "tsdb/storage.h"

namespace deucalion {

struct StorageParts {
  std::string path;
  const config::Flags* flags = nullptr;
  const config::FeatureSet* features = nullptr;
  Logger* logger = nullptr;
  MetricRegistry* metrics = nullptr;
  StorageSettings settings;
};

// Opens the database and tells meanwhile how far the replay of the WAL has come.
class StorageOpener {
 public:
  StorageOpener();
  ~StorageOpener();
  // Blocks until the database is ready. The parts must outlive it.
  Result<std::unique_ptr<Storage>> Open(const StorageParts& parts);
  // From any thread, before, during and after Open.
  ReplayProgress replay() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What the configuration file and the flags say of retention and the rest.
StorageSettings SettingsOf(const config::Config& config, const config::Flags& flags,
                           const config::FeatureSet& features);
// "15d", "15d or 10GiB": what /status/runtimeinfo shows.
std::string RetentionText(const StorageSettings& settings);

}  // namespace deucalion

#endif  // DEUCALION_SERVER_WIRING_H_
