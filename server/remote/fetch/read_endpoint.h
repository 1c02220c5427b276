// ReadEndpoint: one entry of remote_read: sends queries to another server and takes its answers
// apart.
//
// Thread-safe. Shared by the queries that are under way, so that a reload may drop it meanwhile.
// The HTTP engine, registry and the metrics must outlive it.
#ifndef DEUCALION_SERVER_REMOTE_FETCH_READ_ENDPOINT_H_
#define DEUCALION_SERVER_REMOTE_FETCH_READ_ENDPOINT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "scrape/fetch/http_client.h"
#include "server/config/config.h"
#include "server/remote/fetch/read_answer.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::remote {

// By Prometheus's names.
struct FetchMetrics {
  explicit FetchMetrics(MetricRegistry* registry);

  MetricFamily<Counter>* queries = nullptr;            // by name, URL, response type and code
  MetricFamily<Gauge>* running = nullptr;              // by name and URL
  MetricFamily<HistogramMetric>* durations = nullptr;  // by name, URL and response type
};

struct FetchQuery {
  int64_t min_ms = 0, max_ms = 0;  // inclusive
  std::vector<Matcher> matchers;
  SelectHints hints;
  int hops = 0;  // servers that the question has come through
};

// The message a query is sent as.
std::string EncodeFetchQuery(const FetchQuery& query);

class ReadEndpoint {
 public:
  using Answer = Result<FetchedAnswer>;

  // `client` sends as the entry says. `external_labels`: what is added to the matchers of every
  // query and taken out of the answers; empty when the entry does not filter.
  ReadEndpoint(const config::RemoteReadConfig& config, std::string name, Labels external_labels,
               std::unique_ptr<scrape::HttpClient> client, const FetchMetrics* metrics,
               std::string user_agent, const Clock* clock, const scrape::Dialer* dialer);

  // A request that is under way.
  class Pending {
   public:
    virtual ~Pending() = default;
    // Once. Waits for the answer, or until `cancel` (may be null) says so: then that is the error.
    // Errors are worded as Prometheus's: "remote_read: error sending request: …". They are
    // kResourceExhausted when the answer is more than the budget allows, and only then.
    virtual Answer Wait(const CancelToken* cancel) = 0;
  };

  // Null when this endpoint has nothing to say to a query: it lacks one of the required matchers.
  // The answer is charged to `budget`, which must outlive it and the request.
  std::unique_ptr<Pending> Fetch(FetchQuery query, MemoryBudget* budget);

  bool read_recent() const { return config_.read_recent; }

 private:
  class PendingRead;

  bool HasRequiredMatchers(const std::vector<Matcher>& matchers) const;
  // The names of the labels that were added.
  std::vector<std::string> AddExternalLabels(std::vector<Matcher>* matchers) const;
  Answer Decode(const scrape::HttpResponse& response, int64_t begin_ns, MemoryBudget* budget) const;
  void Count(const char* type, int status, int64_t begin_ns) const;

  const config::RemoteReadConfig config_;
  const std::vector<std::string> metric_labels_;  // name, URL
  const Labels external_labels_;
  const std::unique_ptr<scrape::HttpClient> client_;
  const FetchMetrics* const metrics_;
  const Clock* const clock_;
  scrape::HttpRequest request_;  // less its body
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_FETCH_READ_ENDPOINT_H_
