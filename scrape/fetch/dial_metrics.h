// net_conntrack_dialer_*: who opened how many connections, and what became of them. By the names of
// Go's conntrack, which existing dashboards and alerts use.
//
// A dialer's name is that of the scrape job, or of the part of the server:
// "remote_storage_write_client", "remote_storage_read_client", "http" (discovery). Thread-safe.
// Must outlive the HTTP engines whose requests name its dialers.
#ifndef DEUCALION_SCRAPE_FETCH_DIAL_METRICS_H_
#define DEUCALION_SCRAPE_FETCH_DIAL_METRICS_H_

#include <array>
#include <map>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/thread_annotations.h"

namespace deucalion::scrape {

enum class DialFailure { kRefused, kResolution, kTimeout, kUnknown };
inline constexpr size_t kDialFailures = 4;

// The counters of one name.
struct Dialer {
  Counter* attempted = nullptr;
  Counter* established = nullptr;
  Counter* closed = nullptr;
  std::array<Counter*, kDialFailures> failed{};

  // What one request did: `opened` sockets, of which `connected` became connections.
  void CountRequest(size_t opened, size_t connected, bool failed_to_connect,
                    DialFailure reason) const;
  // Before `fd` is closed. Counts it if it was ever connected.
  void CountClose(int fd) const;
};

class DialMetrics {
 public:
  explicit DialMetrics(MetricRegistry* registry);
  // Lives as long as this. All of its counters are there, at 0, from now on.
  const Dialer* Of(const std::string& name) EXCLUDES(mu_);

 private:
  MetricFamily<Counter>* const attempted_;
  MetricFamily<Counter>* const established_;
  MetricFamily<Counter>* const closed_;
  MetricFamily<Counter>* const failed_;
  Mutex mu_;
  std::map<std::string, std::unique_ptr<const Dialer>> dialers_ GUARDED_BY(mu_);
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_FETCH_DIAL_METRICS_H_
