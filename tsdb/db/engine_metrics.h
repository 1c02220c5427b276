// EngineMetrics: how often the storage engine did what Prometheus has a metric for, and how long it
// took, under Prometheus's names. What can be read from the engine's parts at an exposition is in
// db_metrics.cc.
//
// Without a registry nothing is counted. Thread-safe; the registry must outlive it.
#ifndef DEUCALION_TSDB_DB_ENGINE_METRICS_H_
#define DEUCALION_TSDB_DB_ENGINE_METRICS_H_

#include <chrono>

#include "base/metrics.h"
#include "tsdb/block/chunk_codec.h"

namespace deucalion::tsdb {

struct EngineMetrics {
  explicit EngineMetrics(MetricRegistry* registry);

  HistogramMetric* compaction_seconds = nullptr;  // cuts of the head too
  HistogramMetric* tombstone_cleanup_seconds = nullptr;
  SliceMetrics cut_slices;  // of head cuts: what Prometheus has as chunks
  Gauge* writing_blocks = nullptr;
  Counter* compactions_triggered = nullptr;
  Counter* vertical_compactions = nullptr;
  Counter* reloads = nullptr;  // looks for blocks that came from outside
  Counter* failed_reloads = nullptr;
  Summary* gc_seconds = nullptr;
  Summary* wal_sync_seconds = nullptr;
  Summary* wal_truncate_seconds = nullptr;
  Counter* wal_truncations = nullptr;
  Counter* failed_wal_truncations = nullptr;
  Counter* checkpoints = nullptr;
  Counter* failed_checkpoints = nullptr;
  Counter* checkpoint_deletions = nullptr;
  Counter* failed_checkpoint_deletions = nullptr;
};

inline void Count(Counter* counter) {
  if (counter != nullptr) counter->Increment();
}

// Observes how long it lived. `metric` may be null.
template <typename Metric>
class ObservedTime {
 public:
  explicit ObservedTime(Metric* metric) : metric_(metric) {}
  ~ObservedTime() {
    if (metric_ == nullptr) return;
    metric_->Observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count());
  }
  ObservedTime(const ObservedTime&) = delete;
  ObservedTime& operator=(const ObservedTime&) = delete;

 private:
  Metric* const metric_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Adds one to a gauge while it lives. `gauge` may be null.
class CountedIn {
 public:
  explicit CountedIn(Gauge* gauge) : gauge_(gauge) {
    if (gauge_ != nullptr) gauge_->Add(1);
  }
  ~CountedIn() {
    if (gauge_ != nullptr) gauge_->Add(-1);
  }
  CountedIn(const CountedIn&) = delete;
  CountedIn& operator=(const CountedIn&) = delete;

 private:
  Gauge* const gauge_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_ENGINE_METRICS_H_
