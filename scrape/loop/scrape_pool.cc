#include "scrape/loop/scrape_pool.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "model/duration.h"

namespace deucalion::scrape {
namespace {

// Whether loops made for `a` may go on under `b`: only the way the bytes are fetched differs.
bool SameSamples(const ScrapeConfig& a, const ScrapeConfig& b) {
  ScrapeConfig x = a;
  ScrapeConfig y = b;
  x.http = y.http = HttpClientConfig();
  x.discovery.clear();
  y.discovery.clear();
  x.scrape_failure_log_file.clear();
  y.scrape_failure_log_file.clear();
  return x == y;
}

double SecondsSince(const Clock& clock, int64_t begin_ns) {
  return static_cast<double>(clock.MonotonicNs() - begin_ns) / 1e9;
}

}  // namespace

Result<std::unique_ptr<ScrapePool>> ScrapePool::Make(std::shared_ptr<const ScrapeConfig> config,
                                                     std::shared_ptr<Logger> failure_log,
                                                     uint64_t seed, const ScrapeOptions& options,
                                                     const ScrapeServices& services) {
  Result<std::unique_ptr<HttpClient>> client = services.http->NewClient(config->http);
  if (!client.ok()) return client.status().WithContext("error creating HTTP client");
  std::unique_ptr<ScrapePool> pool(new ScrapePool(seed, options, services));
  MutexLock lock(pool->mu_);
  services.metrics->target_limit->With({config->job_name})
      ->Set(static_cast<double>(config->limits.target_limit));
  pool->job_ = {std::move(config), *std::move(client), std::move(failure_log)};
  return pool;
}

void ScrapePool::Sync(const std::vector<TargetGroup>& groups) {
  MutexLock sync(sync_mu_);
  const int64_t begin_ns = services_.clock->MonotonicNs();
  const std::shared_ptr<const ScrapeConfig> config = this->config();
  GroupTargets made;
  for (const TargetGroup& group : groups) MakeTargets(*config, group, &made);
  groups_ = groups;
  const std::string& job = config->job_name;
  for (const Status& failure : made.failures) {
    services_.log->Error("Creating target failed", {{"scrape_pool", job}, {"err", failure}});
  }
  services_.metrics->sync_failed->With({job})->Add(static_cast<double>(made.failures.size()));
  {
    MutexLock lock(mu_);
    dropped_count_ = made.dropped.size();
    dropped_ = std::move(made.dropped);
    const uint64_t keep = config->limits.keep_dropped_targets;
    if (keep > 0 && dropped_.size() > keep) dropped_.resize(keep);
  }
  Reconcile(std::move(made.active));
  const double seconds = SecondsSince(*services_.clock, begin_ns);
  services_.metrics->sync_length->With({job})->Observe(seconds);
  services_.metrics->sync_length_histogram->With({job})->Observe(seconds);
  services_.metrics->syncs->With({job})->Increment();
}

void ScrapePool::Reconcile(std::vector<std::shared_ptr<Target>> targets) {
  std::vector<std::shared_ptr<ScrapeLoop>> fresh;
  std::vector<std::shared_ptr<ScrapeLoop>> gone;
  {
    MutexLock lock(mu_);
    std::unordered_set<uint64_t> wanted;
    for (std::shared_ptr<Target>& target : targets) {
      const uint64_t hash = target->hash();
      wanted.insert(hash);
      const auto known = loops_.find(hash);
      if (known != loops_.end()) {
        // The same target may have been found another way.
        known->second->target()->set_discovered(target->discovered());
        continue;
      }
      fresh.push_back(std::make_shared<ScrapeLoop>(std::move(target), job_, options_, services_));
      loops_.emplace(hash, fresh.back());
    }
    std::erase_if(loops_, [&](const auto& item) {
      if (wanted.contains(item.first)) return false;
      gone.push_back(item.second);
      return true;
    });
    services_.metrics->pool_targets->With({job_.config->job_name})
        ->Set(static_cast<double>(loops_.size()));
  }
  for (const auto& loop : gone) loop->Stop();
  RefreshTargetLimit();
  for (const auto& loop : fresh) loop->Start(seed_);
}

void ScrapePool::RefreshTargetLimit() {
  MutexLock lock(mu_);
  const uint64_t limit = job_.config->limits.target_limit;
  Status error;
  if (limit > 0 && loops_.size() > limit) {
    services_.metrics->exceeded_target_limit->Increment();
    error = ResourceExhaustedError(
        "target_limit exceeded (number of targets: " + std::to_string(loops_.size()) +
        ", limit: " + std::to_string(limit) + ")");
  }
  for (auto& [hash, loop] : loops_) loop->SetForcedError(error);
}

Status ScrapePool::Reload(std::shared_ptr<const ScrapeConfig> config,
                          std::shared_ptr<Logger> failure_log) {
  services_.metrics->pool_reloads->Increment();
  const int64_t begin_ns = services_.clock->MonotonicNs();
  Result<std::unique_ptr<HttpClient>> client = services_.http->NewClient(config->http);
  if (!client.ok()) {
    services_.metrics->pool_reloads_failed->Increment();
    return client.status().WithContext("error creating HTTP client");
  }
  std::vector<TargetGroup> groups;
  {
    MutexLock sync(sync_mu_);
    groups = groups_;
    std::vector<std::shared_ptr<ScrapeLoop>> gone;
    {
      MutexLock lock(mu_);
      const bool keep = SameSamples(*job_.config, *config);
      job_ = {config, *std::move(client), std::move(failure_log)};
      for (auto& [hash, loop] : loops_) {
        if (keep) {
          loop->SetClient(job_);
        } else {
          gone.push_back(loop);
        }
      }
      if (!keep) loops_.clear();
    }
    for (const auto& loop : gone) loop->Stop();
  }
  services_.metrics->target_limit->With({config->job_name})
      ->Set(static_cast<double>(config->limits.target_limit));
  Sync(groups);
  services_.metrics->reload_length->With({FormatGoDuration(config->scrape_interval_ms * 1'000'000)})
      ->Observe(SecondsSince(*services_.clock, begin_ns));
  return OkStatus();
}

void ScrapePool::Stop(bool silently) {
  MutexLock sync(sync_mu_);
  std::unordered_map<uint64_t, std::shared_ptr<ScrapeLoop>> loops;
  std::string job;
  {
    MutexLock lock(mu_);
    loops.swap(loops_);
    job = job_.config->job_name;
  }
  for (auto& [hash, loop] : loops) silently ? loop->StopSilently() : loop->Stop();
  services_.metrics->RemoveJob(job);
}

PoolTargets ScrapePool::targets() const {
  PoolTargets out;
  {
    MutexLock lock(mu_);
    out.job = job_.config->job_name;
    out.active.reserve(loops_.size());
    for (const auto& [hash, loop] : loops_) out.active.push_back(loop);
    out.dropped = dropped_;
    out.dropped_count = dropped_count_;
  }
  std::ranges::sort(out.active, {}, [](const std::shared_ptr<ScrapeLoop>& loop) {
    return std::tie(loop->target()->url(), loop->target()->labels().bytes());
  });
  return out;
}

std::shared_ptr<const ScrapeConfig> ScrapePool::config() const {
  MutexLock lock(mu_);
  return job_.config;
}

}  // namespace deucalion::scrape
