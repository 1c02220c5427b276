#include "scrape/loop/scrape_manager.h"

#include <unistd.h>

#include <array>

#include "model/value.h"

namespace deucalion::scrape {

// Servers that scrape the same targets should not do so at the same moments.
uint64_t ScrapeManager::Seed(const Labels& external_labels) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return Hash64(std::string(host.data()) + external_labels.ToString());
}

std::shared_ptr<Logger> ScrapeManager::FailureLog(const std::string& path) {
  if (path.empty()) return nullptr;
  std::shared_ptr<Logger>& log = failure_logs_[path];
  if (log == nullptr) {
    Result<std::unique_ptr<Logger>> file = Logger::File(path, LogFormat::kJson);
    if (file.ok()) {
      log = *std::move(file);
    } else {
      services_.log->Error("Error creating scrape failure logger",
                           {{"path", path}, {"err", file.status()}});
    }
  }
  return log;
}

Status ScrapeManager::ApplyConfig(const std::vector<ScrapeConfig>& jobs,
                                  const Labels& external_labels) {
  struct Change {
    std::shared_ptr<ScrapePool> pool;
    std::shared_ptr<const ScrapeConfig> config;
    std::shared_ptr<Logger> failure_log;
  };
  std::vector<Change> changed;
  std::vector<std::shared_ptr<ScrapePool>> gone;
  {
    MutexLock lock(mu_);
    seed_ = Seed(external_labels);
    failure_logs_.clear();  // opened anew, so that rotated files are let go
    configs_.clear();
    for (const ScrapeConfig& job : jobs) {
      configs_[job.job_name] = std::make_shared<const ScrapeConfig>(job);
    }
    std::erase_if(pools_, [&](const auto& item) REQUIRES(mu_) {
      const auto config = configs_.find(item.first);
      if (config == configs_.end()) {
        gone.push_back(item.second);
        return true;
      }
      const bool logs = !config->second->scrape_failure_log_file.empty();
      if (logs || !(*config->second == *item.second->config())) {
        changed.push_back(
            {item.second, config->second, FailureLog(config->second->scrape_failure_log_file)});
      }
      return false;
    });
  }
  for (const auto& pool : gone) pool->Stop(/*silently=*/false);
  bool failed = false;
  for (const Change& c : changed) {
    const Status s = c.pool->Reload(c.config, c.failure_log);
    if (s.ok()) continue;
    failed = true;
    services_.log->Error("error reloading scrape pool",
                         {{"err", s}, {"scrape_pool", c.config->job_name}});
  }
  if (failed) return InvalidArgumentError("failed to apply the new configuration");
  return OkStatus();
}

void ScrapeManager::SetTargets(const TargetSets& sets) {
  for (const auto& [job, groups] : sets) {
    std::shared_ptr<ScrapePool> pool;
    {
      MutexLock lock(mu_);
      const auto config = configs_.find(job);
      if (config == configs_.end()) continue;
      std::shared_ptr<ScrapePool>& known = pools_[job];
      if (known == nullptr) {
        services_.metrics->pools->Increment();
        Result<std::unique_ptr<ScrapePool>> made =
            ScrapePool::Make(config->second, FailureLog(config->second->scrape_failure_log_file),
                             seed_, options_, services_);
        if (!made.ok()) {
          services_.metrics->pools_failed->Increment();
          services_.log->Error("error creating new scrape pool",
                               {{"err", made.status()}, {"scrape_pool", job}});
          pools_.erase(job);
          continue;
        }
        known = *std::move(made);
      }
      pool = known;
    }
    pool->Sync(groups);
  }
}

void ScrapeManager::Stop() {
  std::map<std::string, std::shared_ptr<ScrapePool>> pools;
  {
    MutexLock lock(mu_);
    pools.swap(pools_);
    configs_.clear();
  }
  for (auto& [job, pool] : pools) pool->Stop(/*silently=*/true);
}

std::vector<std::shared_ptr<ScrapePool>> ScrapeManager::Pools() const {
  std::vector<std::shared_ptr<ScrapePool>> pools;
  MutexLock lock(mu_);
  for (const auto& [job, pool] : pools_) pools.push_back(pool);
  return pools;
}

std::vector<std::string> ScrapeManager::PoolNames() const {
  std::vector<std::string> names;
  MutexLock lock(mu_);
  for (const auto& [job, pool] : pools_) names.push_back(job);
  return names;
}

std::vector<PoolTargets> ScrapeManager::Targets(const std::string& job) const {
  std::vector<PoolTargets> out;
  for (const auto& pool : Pools()) {
    PoolTargets targets = pool->targets();
    if (job.empty() || targets.job == job) out.push_back(std::move(targets));
  }
  return out;
}

Result<std::vector<RelabelStep>> ScrapeManager::RelabelSteps(const std::string& job,
                                                             const Labels& discovered) const {
  std::shared_ptr<const ScrapeConfig> config;
  {
    MutexLock lock(mu_);
    const auto it = configs_.find(job);
    if (it == configs_.end()) return NotFoundError("scrape pool " + GoQuote(job) + " not found");
    config = it->second;
  }
  std::vector<RelabelStep> steps;
  LabelsBuilder labels(discovered);
  for (const RelabelConfig& rule : config->relabel_configs) {
    RelabelStep& step = steps.emplace_back();
    step.rule = rule;
    step.keep = Relabel({rule}, &labels);
    if (!step.keep) break;
    step.output = labels.Build();
  }
  return steps;
}

void ScrapeManager::CollectMetrics(MetricSink& sink) const {
  struct Size {
    std::string job;
    size_t entries = 0;
    size_t bytes = 0;
  };
  std::vector<Size> sizes;
  for (const PoolTargets& pool : Targets()) {
    Size& size = sizes.emplace_back();
    size.job = pool.job;
    for (const auto& loop : pool.active) {
      size.entries += loop->cache().metadata_count();
      size.bytes += loop->cache().metadata_bytes();
    }
  }
  sink.Family("prometheus_target_metadata_cache_entries", "Metric families with metadata.",
              MetricType::kGauge);
  for (const Size& s : sizes) {
    sink.Sample("", {{"scrape_job", s.job}}, static_cast<double>(s.entries));
  }
  sink.Family("prometheus_target_metadata_cache_bytes", "Memory their metadata takes.",
              MetricType::kGauge);
  for (const Size& s : sizes) {
    sink.Sample("", {{"scrape_job", s.job}}, static_cast<double>(s.bytes));
  }
}

}  // namespace deucalion::scrape
