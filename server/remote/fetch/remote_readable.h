// RemoteReadable: what queries read: the local storage and, behind it, the servers of remote_read.
//
// The local storage decides: when it fails, the call fails. What another server cannot answer is a
// warning, and the answer is that of the rest. A server that is not to be asked for recent data
// (read_recent: false) is asked only for what is older than the local blocks, and not at all for
// queries that are younger.
//
// What other servers answer is held in memory, and charged to whoever asked: more than the query
// may hold is an error, as it would be of local data.
//
// Names and values of labels are those of the local storage: Prometheus's protocol has no way to
// ask for them, and says "not implemented" in a warning.
//
// Thread-safe. The storage must outlive the queriers.
#ifndef DEUCALION_SERVER_REMOTE_FETCH_REMOTE_READABLE_H_
#define DEUCALION_SERVER_REMOTE_FETCH_REMOTE_READABLE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/thread_annotations.h"
#include "scrape/fetch/dial_metrics.h"
#include "scrape/fetch/http_client.h"
#include "server/config/config.h"
#include "server/remote/fetch/read_endpoint.h"
#include "tsdb/storage.h"

namespace deucalion::remote {

struct RemoteReadOptions {
  std::function<Storage*()> storage;  // not null when there are queries
  MetricRegistry* metrics = nullptr;
  const Clock* clock = Clock::Real();
  std::string user_agent;
  scrape::DialMetrics* dials = nullptr;  // may be null
  // Local data is taken to be complete so long after the first block begins, as in Prometheus:
  // twice the range of a block.
  int64_t margin_ms = 2 * 2 * 3'600'000;
  // What may be held of answers, all together, for those who bring no budget of their own (look-ups
  // of series, remote readers).
  uint64_t max_fetched_bytes = uint64_t{1} << 30;
  // How requests are sent; by default over HTTP.
  std::function<Result<std::unique_ptr<scrape::HttpClient>>(const scrape::HttpClientConfig&)>
      client;
};

class RemoteReadable : public Queryable {
 public:
  explicit RemoteReadable(RemoteReadOptions options);
  ~RemoteReadable() override;

  // For queries that begin from now on. Errors: duplicate entries, files that cannot be used; then
  // everything is as before.
  Status Apply(const std::vector<config::RemoteReadConfig>& entries, const Labels& external_labels)
      EXCLUDES(mu_);

  Result<std::unique_ptr<Querier>> NewQuerier(int64_t min_ms, int64_t max_ms) override {
    return NewQuerier(min_ms, max_ms, -1);
  }
  // For a remote read that has come through `hops` servers before this one; -1: for a query of
  // ours.
  Result<std::unique_ptr<Querier>> NewQuerier(int64_t min_ms, int64_t max_ms, int hops);
  // Nothing is known of what other servers have: nothing is stable while there are any.
  int64_t StableHorizonMs() const override;
  uint64_t Generation(int64_t min_ms, int64_t max_ms) const override;

 private:
  using Endpoints = std::vector<std::shared_ptr<ReadEndpoint>>;

  Result<std::unique_ptr<scrape::HttpClient>> NewClient(const scrape::HttpClientConfig& config);
  int64_t LocalStartMs() const;

  const RemoteReadOptions options_;
  const FetchMetrics metrics_;
  FixedBudget budget_;
  std::atomic<bool> any_{false};
  mutable Mutex mu_;
  // Made with the first entry. Before the endpoints, whose requests it ends.
  std::unique_ptr<scrape::HttpEngine> http_ GUARDED_BY(mu_);
  Endpoints endpoints_ GUARDED_BY(mu_);
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_FETCH_REMOTE_READABLE_H_
