// Scraper: the whole of scraping in one object, as the server uses it: threads, HTTP engine,
// discovery, pools. Everything below can be used without it, in tests and by others that scrape.
//
// Thread-safe, except that ApplyConfig and Stop run one at a time.
#ifndef DEUCALION_SCRAPE_SCRAPER_H_
#define DEUCALION_SCRAPE_SCRAPER_H_

#include <memory>
#include <vector>

#include "base/worker_pool.h"
#include "scrape/discovery/discovery_manager.h"
#include "scrape/loop/scrape_manager.h"

namespace deucalion::scrape {

class Scraper {
 public:
  struct Dependencies {
    Appendable* storage = nullptr;
    MetricRegistry* registry = nullptr;
    Logger* log = nullptr;
    DialMetrics* dials = nullptr;  // may be null
    size_t threads = 2;            // that parse and append
  };
  // The dependencies must outlive it. Scrapes nothing before ApplyConfig.
  Scraper(const ScrapeOptions& options, const Dependencies& dependencies);
  ~Scraper();

  // `jobs` have had their globals applied.
  Status ApplyConfig(const std::vector<ScrapeConfig>& jobs, const Labels& external_labels);
  // No scrape begins after this, none is under way when it returns. Nothing becomes stale.
  void Stop();

  ScrapeManager& manager() { return *manager_; }
  // For others that send requests or discover targets (notifications, remote write). They stop
  // first.
  HttpEngine* http() { return http_.get(); }
  const DiscoveryServices& discovery_services() const { return discovery_services_; }
  // Runs a task on a thread of the pool.
  std::function<void(std::function<void()>)> runner() const { return services_.run; }

 private:
  MetricRegistry* const registry_;
  ScrapeMetrics metrics_;
  DiscoveryMetrics discovery_metrics_;
  // In the order things stop: timers, then transfers, then what they started.
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<HttpEngine> http_;
  std::unique_ptr<Scheduler> scheduler_;
  ScrapeServices services_;
  DiscoveryServices discovery_services_;
  std::unique_ptr<ScrapeManager> manager_;
  std::unique_ptr<DiscoveryManager> discovery_;
  bool stopped_ = false;
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_SCRAPER_H_
