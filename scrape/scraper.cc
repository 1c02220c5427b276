#include "scrape/scraper.h"

namespace deucalion::scrape {

Scraper::Scraper(const ScrapeOptions& options, const Dependencies& d)
    : registry_(d.registry),
      metrics_(d.registry),
      discovery_metrics_(d.registry),
      workers_(std::make_unique<WorkerPool>("scrape", d.threads)),
      http_(NewHttpEngine()),
      scheduler_(NewScheduler()) {
  services_ = {.storage = d.storage,
               .http = http_.get(),
               .scheduler = scheduler_.get(),
               .clock = Clock::Real(),
               .log = d.log,
               .metrics = &metrics_,
               .dials = d.dials,
               .run = [workers = workers_.get()](std::function<void()> task) {
                 workers->Submit(std::move(task));
               }};
  discovery_services_ = {.http = http_.get(),
                         .scheduler = scheduler_.get(),
                         .clock = Clock::Real(),
                         .log = d.log,
                         .metrics = &discovery_metrics_,
                         .dials = d.dials,
                         .user_agent = options.user_agent};
  manager_ = std::make_unique<ScrapeManager>(options, services_);
  discovery_ = std::make_unique<DiscoveryManager>("scrape", options.discovery_reload_interval_ms,
                                                  discovery_services_);
  discovery_->SetReceiver(
      [manager = manager_.get()](const TargetSets& sets) { manager->SetTargets(sets); },
      services_.run);
  registry_->AddCollector(
      this, [manager = manager_.get()](MetricSink& sink) { manager->CollectMetrics(sink); });
}

Scraper::~Scraper() { Stop(); }

Status Scraper::ApplyConfig(const std::vector<ScrapeConfig>& jobs, const Labels& external_labels) {
  RETURN_IF_ERROR(manager_->ApplyConfig(jobs, external_labels));
  std::map<std::string, std::vector<DiscoveryConfig>> sets;
  for (const ScrapeConfig& job : jobs) sets[job.job_name] = job.discovery;
  discovery_->ApplyConfig(sets);
  return OkStatus();
}

void Scraper::Stop() {
  if (stopped_) return;
  stopped_ = true;
  registry_->RemoveCollectors(this);
  discovery_->Stop();
  manager_->Stop();
  // Timers start transfers, transfers start tasks, tasks set timers: stopped in that order.
  scheduler_->Stop();
  http_.reset();
  workers_.reset();
  scheduler_.reset();
}

}  // namespace deucalion::scrape
