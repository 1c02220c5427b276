// The scraper's own metrics: prometheus_target_*. One set per process, shared by all pools;
// pointers are the registry's and live as long as it.
#ifndef DEUCALION_SCRAPE_LOOP_METRICS_H_
#define DEUCALION_SCRAPE_LOOP_METRICS_H_

#include "base/metrics.h"

namespace deucalion::scrape {

struct ScrapeMetrics {
  explicit ScrapeMetrics(MetricRegistry* registry);

  // Pools.
  Counter* pools;
  Counter* pools_failed;
  Counter* pool_reloads;
  Counter* pool_reloads_failed;
  Counter* exceeded_target_limit;
  MetricFamily<Summary>* reload_length;  // {interval}
  MetricFamily<Gauge>* target_limit;     // {scrape_job}, as all below
  MetricFamily<Gauge>* pool_targets;
  MetricFamily<Summary>* sync_length;
  MetricFamily<HistogramMetric>* sync_length_histogram;
  MetricFamily<Counter>* sync_failed;
  MetricFamily<Counter>* syncs;

  // Scrapes.
  MetricFamily<Summary>* interval_length;  // {interval}
  MetricFamily<HistogramMetric>* interval_length_histogram;
  HistogramMetric* scrape_duration;
  Counter* exceeded_sample_limit;
  Counter* exceeded_body_size_limit;
  Counter* exceeded_bucket_limit;
  Counter* exceeded_label_limits;
  Counter* duplicate_samples;
  Counter* out_of_order_samples;
  Counter* out_of_bounds_samples;
  Counter* out_of_order_exemplars;
  Counter* cache_flush_forced;

  // Drops what is labelled with a job that is gone.
  void RemoveJob(const std::string& job);
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_METRICS_H_
