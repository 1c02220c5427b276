// ScrapeManager: one pool per job. Receives configurations and discovered targets, answers what the
// API asks about them. Thread-safe.
#ifndef DEUCALION_SCRAPE_LOOP_SCRAPE_MANAGER_H_
#define DEUCALION_SCRAPE_LOOP_SCRAPE_MANAGER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "scrape/loop/scrape_pool.h"

namespace deucalion::scrape {

// Target groups by job.
using TargetSets = std::map<std::string, std::vector<TargetGroup>>;

// One rule of relabel_configs applied to a target, for the UI.
struct RelabelStep {
  RelabelConfig rule;
  Labels output;  // empty when dropped
  bool keep = true;
};

class ScrapeManager {
 public:
  // `services` must outlive the manager and all loops it started.
  ScrapeManager(const ScrapeOptions& options, const ScrapeServices& services)
      : options_(options), services_(services) {}
  ~ScrapeManager() { Stop(); }

  // `jobs` have had their globals applied. Pools of unchanged jobs are left alone; a pool that
  // cannot take its new configuration keeps the old one and makes the call fail.
  Status ApplyConfig(const std::vector<ScrapeConfig>& jobs, const Labels& external_labels)
      EXCLUDES(mu_);
  // Everything discovery knows. Jobs that are not configured are ignored.
  void SetTargets(const TargetSets& sets) EXCLUDES(mu_);
  // No scrape begins after this; nothing becomes stale.
  void Stop() EXCLUDES(mu_);

  // Job names, sorted.
  std::vector<std::string> PoolNames() const EXCLUDES(mu_);
  // By job; all of them if `job` is empty.
  std::vector<PoolTargets> Targets(const std::string& job = "") const EXCLUDES(mu_);
  // Errors: kNotFound for an unknown pool.
  Result<std::vector<RelabelStep>> RelabelSteps(const std::string& job,
                                                const Labels& discovered) const EXCLUDES(mu_);
  // prometheus_target_metadata_cache_*.
  void CollectMetrics(MetricSink& sink) const EXCLUDES(mu_);

 private:
  std::shared_ptr<Logger> FailureLog(const std::string& path) REQUIRES(mu_);
  std::vector<std::shared_ptr<ScrapePool>> Pools() const EXCLUDES(mu_);
  static uint64_t Seed(const Labels& external_labels);

  const ScrapeOptions options_;
  const ScrapeServices& services_;

  mutable Mutex mu_;
  uint64_t seed_ GUARDED_BY(mu_) = 0;
  std::map<std::string, std::shared_ptr<const ScrapeConfig>> configs_ GUARDED_BY(mu_);
  std::map<std::string, std::shared_ptr<ScrapePool>> pools_ GUARDED_BY(mu_);
  std::map<std::string, std::shared_ptr<Logger>> failure_logs_ GUARDED_BY(mu_);
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_SCRAPE_MANAGER_H_
