#include "promql/engine_metrics.h"

namespace deucalion::promql {

EngineMetrics::EngineMetrics(MetricRegistry* registry, int max_concurrency) {
  if (registry == nullptr) return;
  queries_ = registry->AddGauge("prometheus_engine_queries",
                                "The current number of queries being executed or waiting.");
  registry
      ->AddGauge("prometheus_engine_queries_concurrent_max",
                 "The max number of concurrent queries.")
      ->Set(max_concurrency > 0 ? max_concurrency : -1);
  log_enabled_ =
      registry->AddGauge("prometheus_engine_query_log_enabled", "State of the query log.");
  log_failures_ = registry->AddCounter("prometheus_engine_query_log_failures_total",
                                       "The number of query log failures.");
  samples_ = registry->AddCounter("prometheus_engine_query_samples_total",
                                  "The total number of samples loaded by all queries.");
  samples_read_ = registry->AddCounter("prometheus_engine_query_samples_read_total",
                                       "The total number of samples read by all queries.");
  auto* summaries = registry->AddSummaryFamily("prometheus_engine_query_duration_seconds",
                                               "Query timings", {"slice"});
  auto* histograms = registry->AddHistogramFamily(
      "prometheus_engine_query_duration_histogram_seconds",
      "The duration of various parts of PromQL query execution.", {"slice"}, {.01, .1, 1, 10});
  auto slice = [&](const char* name) {
    return Slice{summaries->With({name}), histograms->With({name})};
  };
  queue_ = slice("queue_time");
  prepare_ = slice("prepare_time");
  inner_eval_ = slice("inner_eval");
  result_sort_ = slice("result_sort");
}

void EngineMetrics::Slice::ObserveAt(int64_t now_ms, double seconds) const {
  summary->ObserveAt(now_ms, seconds);
  histogram->Observe(seconds);
}

void EngineMetrics::Started() {
  if (queries_ != nullptr) queries_->Add(1);
}

void EngineMetrics::Finished(const QueryStats& stats) {
  if (queries_ == nullptr) return;
  queries_->Add(-1);
  samples_->Add(static_cast<double>(stats.total_queryable_samples));
  samples_read_->Add(static_cast<double>(stats.samples_read));
  const int64_t now_ms = Clock::Real()->NowMs();
  queue_.ObserveAt(now_ms, stats.timings.queue);
  prepare_.ObserveAt(now_ms, stats.timings.preparation);
  inner_eval_.ObserveAt(now_ms, stats.timings.inner_eval);
  result_sort_.ObserveAt(now_ms, stats.timings.result_sort);
}

void EngineMetrics::SetLogEnabled(bool enabled) {
  if (log_enabled_ != nullptr) log_enabled_->Set(enabled ? 1 : 0);
}

void EngineMetrics::LogFailed() {
  if (log_failures_ != nullptr) log_failures_->Increment();
}

}  // namespace deucalion::promql
