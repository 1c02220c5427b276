#include "server/remote/send/queue_metrics.h"

#include <algorithm>

#include "model/value.h"

namespace deucalion::remote {
namespace {

const std::string kPrefix = "prometheus_remote_storage_";

// As the names and the help texts call them.
struct KindText {
  const char* name;
  const char* many;
};
constexpr std::array<KindText, kSentKinds> kKinds = {{{"samples", "samples"},
                                                      {"exemplars", "exemplars"},
                                                      {"histograms", "histograms"},
                                                      {"metadata", "metadata entries"}}};

constexpr std::array<const char*, kDropReasons> kReasons = {
    "too_old", "dropped_series", "unintentionally_dropped_series", "nhcb_in_rw1_not_supported"};

constexpr std::array<const char*, 5> kRecordTypes = {"series", "samples", "exemplars",
                                                     "histogram_samples", "metadata"};

std::vector<double> BatchBounds() {
  return {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 60, 120, 300};
}

}  // namespace

MetricFamily<Counter>* SendMetrics::CounterFamily(const std::string& name, const std::string& help,
                                                  bool with_reason) {
  std::vector<std::string> labels = {"remote_name", "url"};
  if (with_reason) labels.emplace_back("reason");
  return registry_->AddCounterFamily(kPrefix + name, help, labels);
}

SendMetrics::SendMetrics(MetricRegistry* registry, std::function<int64_t()> newest_ms)
    : registry_(registry), newest_ms_(std::move(newest_ms)) {
  for (size_t i = 0; i < kSentKinds; ++i) {
    const std::string name = kKinds[i].name;
    const std::string many = kKinds[i].many;
    sent_[i] =
        CounterFamily(name + "_total", "Total number of " + many + " sent to remote storage.");
    failed_[i] = CounterFamily(name + "_failed_total",
                               "Total number of " + many +
                                   " which failed on send to remote storage, non-recoverable "
                                   "errors.");
    retried_[i] = CounterFamily(name + "_retried_total",
                                "Total number of " + many +
                                    " which failed on send to remote storage but were retried "
                                    "because the send error was recoverable.");
    if (i == static_cast<size_t>(SentKind::kMetadata)) continue;
    dropped_[i] = CounterFamily(name + "_dropped_total",
                                "Total number of " + many +
                                    " which were dropped after being read from the WAL before "
                                    "being sent via remote write, either via relabelling, due to "
                                    "being too old or unintentionally because of an unknown "
                                    "reference ID.",
                                true);
    pending_[i] = registry_->AddGaugeFamily(kPrefix + name + "_pending",
                                            "The number of " + many +
                                                " pending in the queues shards to be sent to the "
                                                "remote storage.",
                                            {"remote_name", "url"});
  }
  const auto counter = [this](Counter* QueueMetrics::*member, const char* name, const char* help) {
    counters_.push_back({CounterFamily(name, help), member});
  };
  const auto gauge = [this](Gauge* QueueMetrics::*member, const char* name, const char* help) {
    gauges_.push_back(
        {registry_->AddGaugeFamily(kPrefix + name, help, {"remote_name", "url"}), member});
  };
  using M = QueueMetrics;
  counter(&M::enqueue_retries, "enqueue_retries_total",
          "Total number of times enqueue has failed because a shards queue was full.");
  counter(
      &M::bytes, "bytes_total",
      "The total number of bytes of data (not metadata) sent by the queue after compression. "
      "Note that when exemplars over remote write is enabled the exemplars included in a remote "
      "write request count towards this metric.");
  counter(&M::metadata_bytes, "metadata_bytes_total",
          "The total number of bytes of metadata sent by the queue after compression.");
  gauge(
      &M::highest_seconds, "queue_highest_timestamp_seconds",
      "Highest timestamp that was enqueued, in seconds since epoch. Initialized to 0 when no data "
      "has been received yet.");
  gauge(&M::highest_sent_seconds, "queue_highest_sent_timestamp_seconds",
        "Highest timestamp successfully sent by this queue, in seconds since epoch. Initialized to "
        "0 when no data has been sent yet.");
  gauge(&M::shard_capacity, "shard_capacity",
        "The capacity of each shard of the queue used for parallel sending to the remote storage.");
  gauge(&M::shards, "shards",
        "The number of shards used for parallel sending to the remote storage.");
  gauge(&M::shards_max, "shards_max",
        "The maximum number of shards that the queue is allowed to run.");
  gauge(&M::shards_min, "shards_min",
        "The minimum number of shards that the queue is allowed to run.");
  gauge(&M::shards_desired, "shards_desired",
        "The number of shards that the queues shard calculation wants to run based on the rate of "
        "samples in vs. samples out.");
  gauge(
      &M::max_samples_per_send, "max_samples_per_send",
      "The maximum number of samples to be sent, in a single request, to the remote storage. Note "
      "that, when sending of exemplars over remote write is enabled, exemplars count towards this "
      "limt.");
  sent_batch_seconds_ = registry_->AddHistogramFamily(
      kPrefix + "sent_batch_duration_seconds", "Duration of send calls to the remote storage.",
      {"remote_name", "url"}, BatchBounds());
  wal_segment_ = registry_->AddGaugeFamily(
      "prometheus_wal_watcher_current_segment",
      "Current segment the WAL watcher is reading records from.", {"consumer"});
  wal_decode_failures_ = registry_->AddCounterFamily(
      "prometheus_wal_watcher_record_decode_failures_total",
      "Number of records read by the WAL watcher that resulted in an error when decoding.",
      {"consumer"});
  wal_pre_tailing_ = registry_->AddCounterFamily(
      "prometheus_wal_watcher_samples_sent_pre_tailing_total",
      "Number of sample records read by the WAL watcher and sent to remote write during replay of "
      "existing WAL.",
      {"consumer"});
  wal_records_ = registry_->AddCounterFamily("prometheus_wal_watcher_records_read_total",
                                             "Number of records read by the WAL watcher from the "
                                             "WAL.",
                                             {"consumer", "type"});
  registry_->AddCollector(this, [this](MetricSink& sink) { Collect(sink); });
}

SendMetrics::~SendMetrics() { registry_->RemoveCollectors(this); }

void SendMetrics::Collect(MetricSink& sink) {
  static constexpr std::array<const char*, 3> kHelp = {
      "Samples in to remote storage, compare to samples out for queue managers.",
      "Exemplars in to remote storage, compare to exemplars out for queue managers.",
      "HistogramSamples in to remote storage, compare to histograms out for queue managers."};
  for (size_t i = 0; i < kHelp.size(); ++i) {
    uint64_t most = 0;
    {
      MutexLock lock(mu_);
      for (const auto& [queue, read] : read_) most = std::max(most, (*read)[i].load());
    }
    sink.Family(kPrefix + kKinds[i].name + "_in_total", kHelp[i], MetricType::kCounter);
    sink.Sample("", {}, static_cast<double>(most));
  }
  const int64_t newest_ms = newest_ms_ ? newest_ms_() : kMinTimeMs;
  sink.Family(kPrefix + "highest_timestamp_in_seconds",
              "Highest timestamp that has come into the remote storage via the Appender interface, "
              "in seconds since epoch. Initialized to 0 when no data has been received yet.",
              MetricType::kGauge);
  sink.Sample("", {}, newest_ms == kMinTimeMs ? 0 : static_cast<double>(newest_ms / 1000));
}

QueueMetrics SendMetrics::Add(const std::string& name, const std::string& url) {
  const std::vector<std::string> labels = {name, url};
  QueueMetrics m;
  for (size_t i = 0; i < kSentKinds; ++i) {
    m.sent[i] = sent_[i]->With(labels);
    m.failed[i] = failed_[i]->With(labels);
    m.retried[i] = retried_[i]->With(labels);
    if (pending_[i] == nullptr) continue;
    m.pending[i] = pending_[i]->With(labels);
    for (size_t r = 0; r < kDropReasons; ++r) {
      m.dropped[i][r] = dropped_[i]->With({name, url, kReasons[r]});
    }
  }
  for (const auto& [family, member] : counters_) m.*member = family->With(labels);
  for (const auto& [family, member] : gauges_) m.*member = family->With(labels);
  m.sent_batch_seconds = sent_batch_seconds_->With(labels);
  m.wal_segment = wal_segment_->With({name});
  m.wal_decode_failures = wal_decode_failures_->With({name});
  m.wal_pre_tailing = wal_pre_tailing_->With({name});
  m.read = std::make_shared<ReadCounts>();
  {
    MutexLock lock(mu_);
    read_[{name, url}] = m.read;
  }
  Counter** const records[] = {&m.wal_series, &m.wal_samples, &m.wal_exemplars, &m.wal_histograms,
                               &m.wal_metadata};
  for (size_t i = 0; i < kRecordTypes.size(); ++i) {
    *records[i] = wal_records_->With({name, kRecordTypes[i]});
  }
  return m;
}

void SendMetrics::Remove(const std::string& name, const std::string& url) {
  const std::vector<std::string> labels = {name, url};
  for (size_t i = 0; i < kSentKinds; ++i) {
    sent_[i]->Remove(labels);
    failed_[i]->Remove(labels);
    retried_[i]->Remove(labels);
    if (pending_[i] == nullptr) continue;
    pending_[i]->Remove(labels);
    for (const char* reason : kReasons) dropped_[i]->Remove({name, url, reason});
  }
  for (const auto& [family, member] : counters_) family->Remove(labels);
  for (const auto& [family, member] : gauges_) family->Remove(labels);
  sent_batch_seconds_->Remove(labels);
  {
    MutexLock lock(mu_);
    read_.erase({name, url});
  }
  wal_segment_->Remove({name});
  wal_decode_failures_->Remove({name});
  wal_pre_tailing_->Remove({name});
  for (const char* type : kRecordTypes) wal_records_->Remove({name, type});
}

}  // namespace deucalion::remote
