#include "server/http/http_metrics.h"

namespace deucalion::http {

HttpMetrics::HttpMetrics(MetricRegistry* registry, const std::vector<std::string>& labels) {
  if (registry == nullptr) return;
  auto* requests = registry->AddCounterFamily("prometheus_http_requests_total",
                                              "Counter of HTTP requests.", {"handler", "code"});
  auto* durations = registry->AddHistogramFamily("prometheus_http_request_duration_seconds",
                                                 "Histogram of latencies for HTTP requests.",
                                                 {"handler"}, {.1, .2, .4, 1, 3, 8, 20, 60, 120});
  auto* sizes = registry->AddHistogramFamily("prometheus_http_response_size_bytes",
                                             "Histogram of response size for HTTP requests.",
                                             {"handler"}, {1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9});
  for (const std::string& label : labels) {
    PerHandler& handler = handlers_[label];
    handler.label_ = label;
    handler.requests_ = requests;
    handler.duration_ = durations->With({label});
    handler.size_ = sizes->With({label});
    handler.ok_ = handler.ForStatus(200);  // There before the first request, as in Prometheus.
  }
  accepted_ = registry
                  ->AddCounterFamily("net_conntrack_listener_conn_accepted_total",
                                     "Total number of connections opened to the listener of a "
                                     "given name.",
                                     {"listener_name"})
                  ->With({"http"});
  closed_ = registry
                ->AddCounterFamily("net_conntrack_listener_conn_closed_total",
                                   "Total number of connections closed that were made to the "
                                   "listener of a given name.",
                                   {"listener_name"})
                ->With({"http"});
}

Counter* HttpMetrics::PerHandler::ForStatus(int status) {
  MutexLock lock(mu_);
  for (const auto& [known, counter] : by_status_) {
    if (known == status) return counter;
  }
  Counter* counter = requests_->With({label_, std::to_string(status)});
  by_status_.emplace_back(status, counter);
  return counter;
}

void HttpMetrics::PerHandler::Observe(int status, double seconds, double response_bytes) {
  (status == 200 ? ok_ : ForStatus(status))->Increment();
  duration_->Observe(seconds);
  size_->Observe(response_bytes);
}

HttpMetrics::PerHandler* HttpMetrics::Handler(std::string_view label) {
  const auto it = handlers_.find(label);
  return it == handlers_.end() ? nullptr : &it->second;
}

void HttpMetrics::ConnectionAccepted() {
  if (accepted_ != nullptr) accepted_->Increment();
}

void HttpMetrics::ConnectionClosed() {
  if (closed_ != nullptr) closed_->Increment();
}

}  // namespace deucalion::http
