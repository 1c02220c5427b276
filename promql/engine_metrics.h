// The engine's own metrics, by Prometheus's names. Thread-safe; the registry must outlive it.
#ifndef DEUCALION_PROMQL_ENGINE_METRICS_H_
#define DEUCALION_PROMQL_ENGINE_METRICS_H_

#include "base/metrics.h"
#include "promql/engine.h"

namespace deucalion::promql {

class EngineMetrics {
 public:
  // `registry` may be null: nothing is counted.
  EngineMetrics(MetricRegistry* registry, int max_concurrency);
  void Started();
  void Finished(const QueryStats& stats);
  void SetLogEnabled(bool enabled);
  void LogFailed();

 private:
  // All null without a registry.
  Gauge* queries_ = nullptr;
  Gauge* log_enabled_ = nullptr;
  Counter* log_failures_ = nullptr;
  Counter* samples_ = nullptr;
  Counter* samples_read_ = nullptr;
  // One for each slice: queue_time, prepare_time, inner_eval, result_sort.
  struct Slice {
    Summary* summary = nullptr;
    HistogramMetric* histogram = nullptr;
    void ObserveAt(int64_t now_ms, double seconds) const;
  };
  Slice queue_, prepare_, inner_eval_, result_sort_;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_ENGINE_METRICS_H_
