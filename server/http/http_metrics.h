// The metrics Prometheus keeps about its HTTP server, with its names, labels and buckets.
#ifndef DEUCALION_SERVER_HTTP_HTTP_METRICS_H_
#define DEUCALION_SERVER_HTTP_HTTP_METRICS_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/thread_annotations.h"

namespace deucalion::http {

// Thread-safe; the registry must outlive it. Without a registry every call does nothing.
class HttpMetrics {
 public:
  // One handler's children. Thread-safe.
  class PerHandler {
   public:
    void Observe(int status, double seconds, double response_bytes) EXCLUDES(mu_);

   private:
    friend class HttpMetrics;
    Counter* ForStatus(int status) EXCLUDES(mu_);

    std::string label_;
    MetricFamily<Counter>* requests_ = nullptr;
    HistogramMetric* duration_ = nullptr;
    HistogramMetric* size_ = nullptr;
    Counter* ok_ = nullptr;  // of 200
    Mutex mu_;
    std::vector<std::pair<int, Counter*>> by_status_ GUARDED_BY(mu_);
  };

  // `labels`: every handler label there will be.
  HttpMetrics(MetricRegistry* registry, const std::vector<std::string>& labels);

  // Null for unknown labels.
  PerHandler* Handler(std::string_view label);
  void ConnectionAccepted();
  void ConnectionClosed();

 private:
  std::map<std::string, PerHandler, std::less<>> handlers_;
  Counter* accepted_ = nullptr;
  Counter* closed_ = nullptr;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_HTTP_METRICS_H_
