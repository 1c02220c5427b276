// The self metrics of remote write, under Prometheus's names: prometheus_remote_storage_* with
// labels remote_name and url, prometheus_wal_watcher_* with label consumer.
#ifndef DEUCALION_SERVER_REMOTE_SEND_QUEUE_METRICS_H_
#define DEUCALION_SERVER_REMOTE_SEND_QUEUE_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/thread_annotations.h"

namespace deucalion::remote {

// What one request or one queue holds, by kind.
enum class SentKind { kSamples, kExemplars, kHistograms, kMetadata };
inline constexpr size_t kSentKinds = 4;
using SentCounts = std::array<int64_t, kSentKinds>;

enum class DropReason { kTooOld, kDroppedSeries, kUnknownSeries, kCustomBucketsInV1 };
inline constexpr size_t kDropReasons = 4;

// Read from the WAL by one queue, by kind.
using ReadCounts = std::array<std::atomic<uint64_t>, kSentKinds>;

// Of one queue. Pointers live until SendMetrics::Remove. Only samples, exemplars and histograms
// have dropped and pending (index kMetadata is null).
struct QueueMetrics {
  std::array<Counter*, kSentKinds> sent{};
  std::array<Counter*, kSentKinds> failed{};
  std::array<Counter*, kSentKinds> retried{};
  std::array<std::array<Counter*, kDropReasons>, kSentKinds> dropped{};
  std::array<Gauge*, kSentKinds> pending{};
  Counter* enqueue_retries = nullptr;
  HistogramMetric* sent_batch_seconds = nullptr;
  Gauge* highest_seconds = nullptr;
  Gauge* highest_sent_seconds = nullptr;
  Gauge* shard_capacity = nullptr;
  Gauge* shards = nullptr;
  Gauge* shards_max = nullptr;
  Gauge* shards_min = nullptr;
  Gauge* shards_desired = nullptr;
  Gauge* max_samples_per_send = nullptr;
  Counter* bytes = nullptr;
  Counter* metadata_bytes = nullptr;

  Gauge* wal_segment = nullptr;
  Counter* wal_decode_failures = nullptr;
  Counter* wal_pre_tailing = nullptr;
  Counter* wal_series = nullptr;  // records read of each type
  Counter* wal_samples = nullptr;
  Counter* wal_exemplars = nullptr;
  Counter* wal_histograms = nullptr;
  Counter* wal_metadata = nullptr;
  std::shared_ptr<ReadCounts> read;

  static void AddCounts(const std::array<Counter*, kSentKinds>& counters,
                        const SentCounts& counts) {
    for (size_t i = 0; i < kSentKinds; ++i) {
      if (counts[i] != 0) counters[i]->Add(static_cast<double>(counts[i]));
    }
  }
  void AddPending(const SentCounts& counts, int sign) const {
    for (size_t i = 0; i < kSentKinds; ++i) {
      if (pending[i] != nullptr && counts[i] != 0) {
        pending[i]->Add(sign * static_cast<double>(counts[i]));
      }
    }
  }
  Counter* DroppedCounter(SentKind kind, DropReason reason) const {
    return dropped[static_cast<size_t>(kind)][static_cast<size_t>(reason)];
  }
};

// The families, and what concerns all queues: prometheus_remote_storage_{samples,exemplars,
// histograms}_in_total (by the queue that has read most) and _highest_timestamp_in_seconds.
// Thread-safe; the registry must outlive it.
class SendMetrics {
 public:
  // `newest_ms`: of all samples of the storage, kMinTimeMs when there is none. Any thread.
  SendMetrics(MetricRegistry* registry, std::function<int64_t()> newest_ms);
  ~SendMetrics();

  // All at 0.
  QueueMetrics Add(const std::string& name, const std::string& url);
  void Remove(const std::string& name, const std::string& url);

 private:
  template <typename T>
  struct Member {
    MetricFamily<T>* family;
    T* QueueMetrics::*member;
  };

  MetricFamily<Counter>* CounterFamily(const std::string& name, const std::string& help,
                                       bool with_reason = false);
  void Collect(MetricSink& sink) EXCLUDES(mu_);

  MetricRegistry* const registry_;
  const std::function<int64_t()> newest_ms_;
  std::vector<Member<Counter>> counters_;
  std::vector<Member<Gauge>> gauges_;
  std::array<MetricFamily<Counter>*, kSentKinds> sent_{};
  std::array<MetricFamily<Counter>*, kSentKinds> failed_{};
  std::array<MetricFamily<Counter>*, kSentKinds> retried_{};
  std::array<MetricFamily<Counter>*, kSentKinds> dropped_{};
  std::array<MetricFamily<Gauge>*, kSentKinds> pending_{};
  MetricFamily<HistogramMetric>* sent_batch_seconds_ = nullptr;
  MetricFamily<Gauge>* wal_segment_ = nullptr;
  MetricFamily<Counter>* wal_decode_failures_ = nullptr;
  MetricFamily<Counter>* wal_pre_tailing_ = nullptr;
  MetricFamily<Counter>* wal_records_ = nullptr;

  Mutex mu_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<ReadCounts>> read_ GUARDED_BY(mu_);
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_QUEUE_METRICS_H_
