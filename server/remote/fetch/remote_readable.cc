#include "server/remote/fetch/remote_readable.h"

#include <algorithm>
#include <set>
#include <utility>

#include "server/config/go_url.h"
#include "server/remote/entry_hash.h"
#include "server/remote/fetch/merged_series.h"

namespace deucalion::remote {
namespace {

// A server to ask, and for which time.
struct Source {
  std::shared_ptr<ReadEndpoint> endpoint;
  int64_t min_ms = 0, max_ms = 0;
};

class FanoutQuerier : public Querier {
 public:
  FanoutQuerier(std::unique_ptr<Querier> local, std::vector<Source> sources, MemoryBudget* budget,
                int hops)
      : local_(std::move(local)), sources_(std::move(sources)), hops_(hops), budget_(budget) {}

  void ChargeTo(MemoryBudget* budget) override {
    budget_ = budget;
    local_->ChargeTo(budget);
  }

  Result<std::unique_ptr<SeriesSet>> Select(bool sorted, const SelectHints& hints,
                                            const std::vector<Matcher>& matchers,
                                            const CancelToken* cancel) override {
    std::vector<std::unique_ptr<ReadEndpoint::Pending>> pending = AskAll(hints, matchers);
    ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> local,
                     local_->Select(sorted || !pending.empty(), hints, matchers, cancel));
    std::vector<FetchedAnswer> answers;
    for (const auto& request : pending) {
      ReadEndpoint::Answer answer = request->Wait(cancel);
      if (cancel != nullptr) RETURN_IF_ERROR(cancel->Check());
      if (answer.status().code() == StatusCode::kResourceExhausted) {
        return answer.status().WithContext("remote_read");
      }
      if (!answer.ok()) {
        Warn(answer.status().message());
      } else if (!answer->series.empty()) {
        answers.push_back(std::move(*answer));
      }
    }
    if (answers.empty()) return local;
    return std::unique_ptr<SeriesSet>(std::make_unique<MergedSeries>(
        std::move(local), std::move(answers), hints.min_ms, hints.max_ms, hints.func == "series"));
  }

  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               const std::vector<Matcher>& matchers, size_t limit,
                                               bool* truncated) override {
    if (!sources_.empty()) Warn("not implemented");
    return local_->LabelValues(name, matchers, limit, truncated);
  }
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers, size_t limit,
                                              bool* truncated) override {
    if (!sources_.empty()) Warn("not implemented");
    return local_->LabelNames(matchers, limit, truncated);
  }

  std::vector<std::string> Warnings() const override {
    MutexLock lock(mu_);
    return warnings_;
  }

  // What other servers have is not known: as if it were as much again.
  uint64_t EstimateSeries(const std::vector<Matcher>& matchers) override {
    return local_->EstimateSeries(matchers) * (sources_.size() + 1);
  }

 private:
  std::vector<std::unique_ptr<ReadEndpoint::Pending>> AskAll(const SelectHints& hints,
                                                             const std::vector<Matcher>& matchers) {
    std::vector<std::unique_ptr<ReadEndpoint::Pending>> pending;
    for (const Source& source : sources_) {
      FetchQuery query{.min_ms = source.min_ms,
                       .max_ms = source.max_ms,
                       .matchers = matchers,
                       .hints = hints,
                       .hops = hops_};
      if (hints.min_ms > source.max_ms) continue;  // this selector looks at younger data
      query.hints.max_ms = std::min(hints.max_ms, source.max_ms);
      if (auto request = source.endpoint->Fetch(std::move(query), budget_); request != nullptr) {
        pending.push_back(std::move(request));
      }
    }
    return pending;
  }

  void Warn(std::string text) {
    MutexLock lock(mu_);
    if (std::ranges::find(warnings_, text) == warnings_.end()) warnings_.push_back(std::move(text));
  }

  const std::unique_ptr<Querier> local_;
  const std::vector<Source> sources_;
  const int hops_;  // of the requests it sends
  MemoryBudget* budget_;
  mutable Mutex mu_;
  std::vector<std::string> warnings_ GUARDED_BY(mu_);
};

}  // namespace

RemoteReadable::RemoteReadable(RemoteReadOptions options)
    : options_(std::move(options)),
      metrics_(options_.metrics),
      budget_("what other servers answered to remote reads", options_.max_fetched_bytes) {}

RemoteReadable::~RemoteReadable() = default;

Result<std::unique_ptr<scrape::HttpClient>> RemoteReadable::NewClient(
    const scrape::HttpClientConfig& config) {
  if (options_.client) return options_.client(config);
  MutexLock lock(mu_);
  if (http_ == nullptr) http_ = scrape::NewHttpEngine();
  return http_->NewClient(config);
}

Status RemoteReadable::Apply(const std::vector<config::RemoteReadConfig>& entries,
                             const Labels& external_labels) {
  Endpoints endpoints;
  std::set<std::string> hashes;
  for (const config::RemoteReadConfig& entry : entries) {
    const std::string hash = EntryHash(config::RemoteReadYaml(entry));
    if (!hashes.insert(hash).second) {
      return InvalidArgumentError(
          "duplicate remote read configs are not allowed, found duplicate for URL: " +
          config::RedactUrl(*entry.url));
    }
    ASSIGN_OR_RETURN(auto client, NewClient(entry.http));
    endpoints.push_back(std::make_shared<ReadEndpoint>(
        entry, entry.name.empty() ? hash.substr(0, 6) : entry.name,
        entry.filter_external_labels ? external_labels : Labels(), std::move(client), &metrics_,
        options_.user_agent, options_.clock,
        options_.dials == nullptr ? nullptr : options_.dials->Of("remote_storage_read_client")));
  }
  MutexLock lock(mu_);
  endpoints_.swap(endpoints);
  any_ = !endpoints_.empty();
  return OkStatus();
}

// Where the first block begins, or now; and then the margin.
int64_t RemoteReadable::LocalStartMs() const {
  int64_t start_ms = options_.clock->NowMs();
  for (const BlockInfo& block : options_.storage()->admin()->Blocks()) {
    start_ms = std::min(start_ms, block.min_ms);
  }
  return start_ms + options_.margin_ms;
}

Result<std::unique_ptr<Querier>> RemoteReadable::NewQuerier(int64_t min_ms, int64_t max_ms,
                                                            int hops) {
  ASSIGN_OR_RETURN(std::unique_ptr<Querier> local, options_.storage()->NewQuerier(min_ms, max_ms));
  if (!any_) return local;
  Endpoints endpoints;
  {
    MutexLock lock(mu_);
    endpoints = endpoints_;
  }
  const int64_t local_start_ms = LocalStartMs();
  std::vector<Source> sources;
  for (std::shared_ptr<ReadEndpoint>& endpoint : endpoints) {
    Source source{.endpoint = std::move(endpoint), .min_ms = min_ms, .max_ms = max_ms};
    if (!source.endpoint->read_recent()) {
      if (min_ms > local_start_ms) continue;
      source.max_ms = std::min(max_ms, local_start_ms);
    }
    sources.push_back(std::move(source));
  }
  if (sources.empty()) return local;
  return std::unique_ptr<Querier>(
      std::make_unique<FanoutQuerier>(std::move(local), std::move(sources), &budget_, hops + 1));
}

int64_t RemoteReadable::StableHorizonMs() const {
  return any_ ? Queryable::StableHorizonMs() : options_.storage()->StableHorizonMs();
}

uint64_t RemoteReadable::Generation(int64_t min_ms, int64_t max_ms) const {
  return options_.storage()->Generation(min_ms, max_ms);
}

}  // namespace deucalion::remote
