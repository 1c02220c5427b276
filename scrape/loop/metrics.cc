#include "scrape/loop/metrics.h"

namespace deucalion::scrape {
namespace {

const std::vector<double> kIntervalQuantiles = {0.01, 0.05, 0.5, 0.9, 0.99};
const std::vector<double> kIntervalBounds = {0.01, 0.1, 1, 10, 60, 300, 600, 1800, 3600, 6 * 3600};
const std::vector<double> kSyncBounds = {0.01, 0.1, 1, 10};
const std::vector<double> kDurationBounds = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

}  // namespace

ScrapeMetrics::ScrapeMetrics(MetricRegistry* r)
    : pools(r->AddCounter("prometheus_target_scrape_pools_total",
                          "Scrape pools that were to be created.")),
      pools_failed(r->AddCounter("prometheus_target_scrape_pools_failed_total",
                                 "Scrape pools that could not be created.")),
      pool_reloads(
          r->AddCounter("prometheus_target_scrape_pool_reloads_total", "Reloads of scrape pools.")),
      pool_reloads_failed(r->AddCounter("prometheus_target_scrape_pool_reloads_failed_total",
                                        "Reloads of scrape pools that failed.")),
      exceeded_target_limit(
          r->AddCounter("prometheus_target_scrape_pool_exceeded_target_limit_total",
                        "Times a scrape pool had more targets than target_limit.")),
      reload_length(r->AddSummaryFamily("prometheus_target_reload_length_seconds",
                                        "Time to reload a scrape pool.", {"interval"},
                                        kIntervalQuantiles)),
      target_limit(r->AddGaugeFamily("prometheus_target_scrape_pool_target_limit",
                                     "target_limit of the scrape pool, 0 for none.",
                                     {"scrape_job"})),
      pool_targets(r->AddGaugeFamily("prometheus_target_scrape_pool_targets",
                                     "Targets in the scrape pool.", {"scrape_job"})),
      sync_length(r->AddSummaryFamily("prometheus_target_sync_length_seconds",
                                      "Time to bring a scrape pool in line with its targets.",
                                      {"scrape_job"}, kIntervalQuantiles)),
      sync_length_histogram(r->AddHistogramFamily(
          "prometheus_target_sync_length_histogram_seconds",
          "Time to bring a scrape pool in line with its targets.", {"scrape_job"}, kSyncBounds)),
      sync_failed(r->AddCounterFamily("prometheus_target_sync_failed_total",
                                      "Targets that could not be made from what was discovered.",
                                      {"scrape_job"})),
      syncs(r->AddCounterFamily("prometheus_target_scrape_pool_sync_total",
                                "Times the scrape pool was brought in line with its targets.",
                                {"scrape_job"})),
      interval_length(r->AddSummaryFamily("prometheus_target_interval_length_seconds",
                                          "Time that really lay between scrapes.", {"interval"},
                                          kIntervalQuantiles)),
      interval_length_histogram(r->AddHistogramFamily(
          "prometheus_target_interval_length_histogram_seconds",
          "Time that really lay between scrapes.", {"interval"}, kIntervalBounds)),
      scrape_duration(r->AddHistogram("prometheus_target_scrape_duration_seconds",
                                      "Time a scrape took, from the request to the commit.",
                                      kDurationBounds)),
      exceeded_sample_limit(r->AddCounter("prometheus_target_scrapes_exceeded_sample_limit_total",
                                          "Scrapes refused for sample_limit.")),
      exceeded_body_size_limit(
          r->AddCounter("prometheus_target_scrapes_exceeded_body_size_limit_total",
                        "Scrapes refused for body_size_limit.")),
      exceeded_bucket_limit(
          r->AddCounter("prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
                        "Scrapes refused for native_histogram_bucket_limit.")),
      exceeded_label_limits(
          r->AddCounter("prometheus_target_scrape_pool_exceeded_label_limits_total",
                        "Scrapes refused for one of the label limits.")),
      duplicate_samples(r->AddCounter("prometheus_target_scrapes_sample_duplicate_timestamp_total",
                                      "Samples refused: same series and timestamp, other value.")),
      out_of_order_samples(r->AddCounter("prometheus_target_scrapes_sample_out_of_order_total",
                                         "Samples refused: older than their series.")),
      out_of_bounds_samples(r->AddCounter("prometheus_target_scrapes_sample_out_of_bounds_total",
                                          "Samples refused: too old or too far ahead.")),
      out_of_order_exemplars(r->AddCounter("prometheus_target_scrapes_exemplar_out_of_order_total",
                                           "Exemplars refused: older than their series.")),
      cache_flush_forced(r->AddCounter("prometheus_target_scrapes_cache_flush_forced_total",
                                       "Times a cache that grew over failing scrapes was cut.")) {}

void ScrapeMetrics::RemoveJob(const std::string& job) {
  target_limit->Remove({job});
  pool_targets->Remove({job});
  sync_length->Remove({job});
  sync_length_histogram->Remove({job});
  sync_failed->Remove({job});
  syncs->Remove({job});
}

}  // namespace deucalion::scrape
