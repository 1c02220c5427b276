// The server's own metrics, exposed on /metrics in Prometheus's text format.
//
// A MetricRegistry owns families; a family owns its children, one per tuple of label values.
// Pointers to children stay valid as long as the registry. Updates are lock-free; With() takes a
// lock: keep the pointer where it matters. Values that live elsewhere (head series, RSS) come from
// collectors, called at each exposition.
#ifndef DEUCALION_BASE_METRICS_H_
#define DEUCALION_BASE_METRICS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"

namespace deucalion {

class Counter {
 public:
  void Add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  void Increment() { Add(1); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Gauge {
 public:
  void Set(double v) { value_.store(v, std::memory_order_relaxed); }
  void Add(double v) { value_.fetch_add(v, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Classic histogram with fixed upper bounds (+Inf implied).
class HistogramMetric {
 public:
  explicit HistogramMetric(std::vector<double> bounds);
  void Observe(double v);
  const std::vector<double>& bounds() const { return bounds_; }
  // Not cumulative; one more than bounds.
  std::vector<uint64_t> Counts() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<double> sum_{0};
};

// Quantiles over a sliding window of ten minutes (phi 0.5, 0.9, 0.99 unless told), as Go's client
// keeps them.
class Summary {
 public:
  Summary(std::vector<double> quantiles, int64_t window_ms);
  void Observe(double v) { ObserveAt(Clock::Real()->NowMs(), v); }
  // For several at a time: `now_ms` is the real clock's time.
  void ObserveAt(int64_t now_ms, double v);
  struct Snapshot {
    std::vector<std::pair<double, double>> quantiles;  // phi, value (NaN when empty)
    double sum = 0;
    uint64_t count = 0;
  };
  Snapshot Read() const;

 private:
  struct Sample {
    int64_t time_ms;
    double value;
  };
  std::vector<double> quantiles_;
  int64_t window_ms_;
  mutable Mutex mu_;
  std::vector<Sample> ring_ GUARDED_BY(mu_);  // newest 1,024
  size_t next_ GUARDED_BY(mu_) = 0;
  double sum_ GUARDED_BY(mu_) = 0;
  uint64_t count_ GUARDED_BY(mu_) = 0;
};

enum class MetricType { kCounter, kGauge, kHistogram, kSummary, kUntyped };

// What a collector writes to. Label pairs are name, value.
using MetricLabels = std::vector<std::pair<std::string, std::string>>;
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  // Families of one name must be written together.
  virtual void Family(std::string_view name, std::string_view help, MetricType type) = 0;
  virtual void Sample(std::string_view name_suffix, const MetricLabels& labels, double value) = 0;
};

template <typename T>
class MetricFamily;

class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();

  // A metric without labels.
  Counter* AddCounter(std::string name, std::string help);
  Gauge* AddGauge(std::string name, std::string help);
  HistogramMetric* AddHistogram(std::string name, std::string help, std::vector<double> bounds);
  Summary* AddSummary(std::string name, std::string help,
                      std::vector<double> quantiles = {0.5, 0.9, 0.99});
  // Metrics with labels.
  MetricFamily<Counter>* AddCounterFamily(std::string name, std::string help,
                                          std::vector<std::string> label_names);
  MetricFamily<Gauge>* AddGaugeFamily(std::string name, std::string help,
                                      std::vector<std::string> label_names);
  MetricFamily<HistogramMetric>* AddHistogramFamily(std::string name, std::string help,
                                                    std::vector<std::string> label_names,
                                                    std::vector<double> bounds);
  MetricFamily<Summary>* AddSummaryFamily(std::string name, std::string help,
                                          std::vector<std::string> label_names,
                                          std::vector<double> quantiles = {0.5, 0.9, 0.99});
  // Called under no lock, one exposition at a time. `owner` is for RemoveCollectors.
  void AddCollector(const void* owner, std::function<void(MetricSink&)> collector);
  // When this returns, no collector of `owner` is running or will run again.
  void RemoveCollectors(const void* owner);

  // Text format 0.0.4, families sorted by name.
  std::string TextExposition() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

template <typename T>
class MetricFamily {
 public:
  virtual ~MetricFamily() = default;
  // The child with these label values, made on first use. Same order as the label names.
  virtual T* With(const std::vector<std::string>& values) = 0;
  // Forgets a child (a target or queue that is gone): its pointer dies.
  virtual void Remove(const std::vector<std::string>& values) = 0;
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_METRICS_H_
