// ScrapePool: the loops of one job. Sync brings them in line with the targets discovery has found,
// Reload with a new configuration. Thread-safe; Sync and Reload run one at a time.
#ifndef DEUCALION_SCRAPE_LOOP_SCRAPE_POOL_H_
#define DEUCALION_SCRAPE_LOOP_SCRAPE_POOL_H_

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "scrape/loop/scrape_loop.h"

namespace deucalion::scrape {

struct PoolTargets {
  std::string job;
  std::vector<std::shared_ptr<ScrapeLoop>> active;  // by URL
  std::vector<Labels> dropped;                      // discovered labels, up to keep_dropped_targets
  size_t dropped_count = 0;
};

class ScrapePool {
 public:
  // Fails when the HTTP client cannot be made. `seed` spreads the loops differently on each server.
  static Result<std::unique_ptr<ScrapePool>> Make(std::shared_ptr<const ScrapeConfig> config,
                                                  std::shared_ptr<Logger> failure_log,
                                                  uint64_t seed, const ScrapeOptions& options,
                                                  const ScrapeServices& services);

  void Sync(const std::vector<TargetGroup>& groups) EXCLUDES(sync_mu_, mu_);
  // Loops keep their caches when nothing that shapes their samples has changed. On failure the pool
  // goes on as before.
  Status Reload(std::shared_ptr<const ScrapeConfig> config, std::shared_ptr<Logger> failure_log)
      EXCLUDES(sync_mu_, mu_);
  // The job is gone (its series become stale), or the server stops (they do not).
  void Stop(bool silently) EXCLUDES(sync_mu_, mu_);

  PoolTargets targets() const EXCLUDES(mu_);
  std::shared_ptr<const ScrapeConfig> config() const EXCLUDES(mu_);

 private:
  ScrapePool(uint64_t seed, const ScrapeOptions& options, const ScrapeServices& services)
      : seed_(seed), options_(options), services_(services) {}

  void Reconcile(std::vector<std::shared_ptr<Target>> targets) EXCLUDES(mu_);
  void RefreshTargetLimit() EXCLUDES(mu_);

  const uint64_t seed_;
  const ScrapeOptions options_;
  const ScrapeServices& services_;

  Mutex sync_mu_;  // held over a whole Sync or Reload; taken before mu_
  std::vector<TargetGroup> groups_ GUARDED_BY(sync_mu_);

  mutable Mutex mu_;
  LoopJob job_ GUARDED_BY(mu_);
  std::unordered_map<uint64_t, std::shared_ptr<ScrapeLoop>> loops_ GUARDED_BY(mu_);
  std::vector<Labels> dropped_ GUARDED_BY(mu_);
  size_t dropped_count_ GUARDED_BY(mu_) = 0;
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_SCRAPE_POOL_H_
