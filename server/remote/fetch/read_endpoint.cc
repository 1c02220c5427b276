#include "server/remote/fetch/read_endpoint.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/thread_annotations.h"
#include "server/config/go_url.h"
#include "server/remote/read_handler.h"
#include "server/remote/read_request.h"
#include "server/remote/snappy_block.h"
#include "server/remote/wire_put.h"

namespace deucalion::remote {
namespace {

// What an answer may unpack to. Its size on the way is bounded by scrape::kDefaultMaxBodyBytes.
constexpr size_t kMaxAnswerBytes = size_t{1} << 30;
constexpr std::string_view kSamplesType = "application/x-protobuf";
constexpr std::string_view kChunksType =
    "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

// Numbers of LabelMatcher.type.
uint64_t MatcherType(MatchType type) {
  switch (type) {
    case MatchType::kEqual:
      return 0;
    case MatchType::kNotEqual:
      return 1;
    case MatchType::kRegexp:
      return 2;
    case MatchType::kNotRegexp:
      return 3;
  }
  return 0;
}

std::string EncodeHints(const SelectHints& hints) {
  std::string out;
  PutInt64Field(&out, 1, hints.step_ms);
  PutBytesField(&out, 2, hints.func);
  PutInt64Field(&out, 3, hints.min_ms);
  PutInt64Field(&out, 4, hints.max_ms);
  for (const std::string& label : hints.grouping) PutBytesAlways(&out, 5, label);
  PutVarintField(&out, 6, hints.by ? 1 : 0);
  PutInt64Field(&out, 7, hints.range_ms);
  return out;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Status Failed(std::string message) {
  return UnavailableError("remote_read: " + std::move(message));
}

}  // namespace

FetchMetrics::FetchMetrics(MetricRegistry* registry)
    : queries(registry->AddCounterFamily("prometheus_remote_storage_read_queries_total",
                                         "The total number of remote read queries.",
                                         {"remote_name", "url", "response_type", "code"})),
      running(registry->AddGaugeFamily("prometheus_remote_storage_remote_read_queries",
                                       "The number of in-flight remote read queries.",
                                       {"remote_name", "url"})),
      durations(registry->AddHistogramFamily(
          "prometheus_remote_storage_read_request_duration_seconds",
          "Histogram of the latency for remote read requests: until the answer is there.",
          {"remote_name", "url", "response_type"},
          {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 60})) {}

std::string EncodeFetchQuery(const FetchQuery& query) {
  std::string body;
  PutInt64Field(&body, 1, query.min_ms);
  PutInt64Field(&body, 2, query.max_ms);
  for (const Matcher& matcher : query.matchers) {
    std::string one;
    PutVarintField(&one, 1, MatcherType(matcher.type()));
    PutBytesField(&one, 2, matcher.name());
    PutBytesField(&one, 3, matcher.value());
    PutBytesAlways(&body, 3, one);
  }
  PutBytesAlways(&body, 4, EncodeHints(query.hints));
  std::string request;
  PutBytesAlways(&request, 1, body);
  // Chunks if the other side can, samples if not.
  std::string accepted;
  PutVarint(&accepted, static_cast<uint64_t>(ReadResponseType::kStreamedXorChunks));
  PutVarint(&accepted, static_cast<uint64_t>(ReadResponseType::kSamples));
  PutBytesAlways(&request, 2, accepted);
  return request;
}

// What the HTTP engine's thread and the waiting one share.
struct ReadReply {
  Mutex mu;
  CondVar there;
  bool done GUARDED_BY(mu) = false;
  Result<scrape::HttpResponse> response GUARDED_BY(mu) = InternalError("no answer yet");
};

class ReadEndpoint::PendingRead : public Pending {
 public:
  PendingRead(const ReadEndpoint* endpoint, std::vector<std::string> added, MemoryBudget* budget)
      : endpoint_(endpoint),
        added_(std::move(added)),
        budget_(budget),
        max_body_bytes_(std::clamp<uint64_t>(budget->LeftBytes(), 1, scrape::kDefaultMaxBodyBytes)),
        begin_ns_(endpoint->clock_->MonotonicNs()),
        running_(endpoint->metrics_->running->With(endpoint->metric_labels_)) {
    running_->Add(1);
  }
  ~PendingRead() override { running_->Add(-1); }

  const std::shared_ptr<ReadReply>& reply() const { return reply_; }
  // What is received of the answer at most.
  uint64_t max_body_bytes() const { return max_body_bytes_; }

  Answer Wait(const CancelToken* cancel) override {
    Result<scrape::HttpResponse> response = InternalError("");
    {
      MutexLock lock(reply_->mu);
      while (!reply_->done) {
        if (cancel != nullptr) RETURN_IF_ERROR(cancel->Check());
        // Tokens cannot wake us: look at them now and then.
        reply_->there.WaitFor(reply_->mu, std::chrono::milliseconds(20));
      }
      response = std::move(reply_->response);
    }
    Answer answer = response.ok() ? Unpack(*response) : Answer(NotReceived(response.status()));
    if (answer.ok() || answer.status().code() == StatusCode::kResourceExhausted) return answer;
    return Failed(answer.status().message());
  }

 private:
  Answer Unpack(const scrape::HttpResponse& response) const {
    MemoryCharge packed(budget_);
    RETURN_IF_ERROR(packed.Add(response.body.size()));
    ASSIGN_OR_RETURN(FetchedAnswer answer, endpoint_->Decode(response, begin_ns_, budget_));
    if (!added_.empty()) RemoveLabels(&answer.series);
    return answer;
  }

  Status NotReceived(const Status& why) const {
    if (why.code() == StatusCode::kResourceExhausted &&
        max_body_bytes_ < scrape::kDefaultMaxBodyBytes) {
      // In the words of the budget.
      MemoryCharge packed(budget_);
      RETURN_IF_ERROR(packed.Add(max_body_bytes_ + 1));
    }
    return UnavailableError("error sending request: " + why.message());
  }

  void RemoveLabels(std::vector<FetchedSeries>* all) const {
    for (FetchedSeries& series : *all) {
      Labels kept;
      DropLabels(series.labels, added_, &kept);
      series.labels = std::move(kept);
    }
    // Still each once: what was taken out is the same for all of them. But perhaps in another
    // order.
    std::stable_sort(all->begin(), all->end(), [](const FetchedSeries& a, const FetchedSeries& b) {
      return a.labels < b.labels;
    });
  }

  const ReadEndpoint* const endpoint_;
  const std::vector<std::string> added_;
  MemoryBudget* const budget_;
  const uint64_t max_body_bytes_;
  const int64_t begin_ns_;
  Gauge* const running_;
  const std::shared_ptr<ReadReply> reply_ = std::make_shared<ReadReply>();
};

ReadEndpoint::ReadEndpoint(const config::RemoteReadConfig& config, std::string name,
                           Labels external_labels, std::unique_ptr<scrape::HttpClient> client,
                           const FetchMetrics* metrics, std::string user_agent, const Clock* clock,
                           const scrape::Dialer* dialer)
    : config_(config),
      metric_labels_{std::move(name), config::RedactUrl(*config.url)},
      external_labels_(std::move(external_labels)),
      client_(std::move(client)),
      metrics_(metrics),
      clock_(clock) {
  request_.method = "POST";
  request_.url = *config.url;
  request_.timeout_ms = config.remote_timeout_ms;
  request_.dialer = dialer;
  request_.headers = {{"Content-Encoding", "snappy"},
                      {"Accept-Encoding", "snappy"},
                      {"Content-Type", "application/x-protobuf"},
                      {"User-Agent", std::move(user_agent)},
                      {"X-Prometheus-Remote-Read-Version", "0.1.0"}};
  for (const auto& [header, value] : config.headers) request_.headers.emplace_back(header, value);
  metrics->running->With(metric_labels_);
}

bool ReadEndpoint::HasRequiredMatchers(const std::vector<Matcher>& matchers) const {
  return std::ranges::all_of(config_.required_matchers, [&](const auto& required) {
    return std::ranges::any_of(matchers, [&](const Matcher& m) {
      return m.type() == MatchType::kEqual && m.name() == required.first &&
             m.value() == required.second;
    });
  });
}

std::vector<std::string> ReadEndpoint::AddExternalLabels(std::vector<Matcher>* matchers) const {
  std::vector<std::string> added;
  for (const Label& label : LabelsView(external_labels_)) {
    const bool asked_for =
        std::ranges::any_of(*matchers, [&](const Matcher& m) { return m.name() == label.name; });
    if (asked_for) continue;
    matchers->push_back(Matcher::Equal(std::string(label.name), std::string(label.value)));
    added.emplace_back(label.name);
  }
  return added;
}

std::unique_ptr<ReadEndpoint::Pending> ReadEndpoint::Fetch(FetchQuery query, MemoryBudget* budget) {
  if (!HasRequiredMatchers(query.matchers)) return nullptr;
  auto pending = std::make_unique<PendingRead>(this, AddExternalLabels(&query.matchers), budget);
  const auto deliver = [reply = pending->reply()](Result<scrape::HttpResponse> response) {
    MutexLock lock(reply->mu);
    reply->response = std::move(response);
    reply->done = true;
    reply->there.NotifyAll();
  };
  Result<std::string> body = SnappyEncode(EncodeFetchQuery(query));
  if (!body.ok()) {
    deliver(body.TakeStatus());
    return pending;
  }
  scrape::HttpRequest request = request_;
  request.body = std::move(*body);
  request.max_body_bytes = pending->max_body_bytes();
  if (query.hops > 0) {
    request.headers.emplace_back(kHopsHeader, std::to_string(query.hops));
  }
  client_->Send(std::move(request), deliver);
  return pending;
}

ReadEndpoint::Answer ReadEndpoint::Decode(const scrape::HttpResponse& response, int64_t begin_ns,
                                          MemoryBudget* budget) const {
  if (response.status / 100 != 2) {
    return UnavailableError("remote server " + metric_labels_[1] + " returned http status " +
                            response.status_line + ": " + std::string(Trim(response.body)));
  }
  const std::string_view type = response.Header("content-type");
  if (type.starts_with(kSamplesType)) {
    Count("sampled", response.status, begin_ns);
    return ParseSamplesAnswer(response.body, kMaxAnswerBytes, budget);
  }
  if (type.starts_with(kChunksType)) {
    Count("chunked", response.status, begin_ns);
    return ParseChunksAnswer(response.body, config_.chunked_read_limit, budget);
  }
  Count("unsupported", response.status, begin_ns);
  return UnavailableError("unsupported content type: " + std::string(type));
}

void ReadEndpoint::Count(const char* type, int status, int64_t begin_ns) const {
  std::vector<std::string> labels = metric_labels_;
  labels.emplace_back(type);
  metrics_->durations->With(labels)->Observe(static_cast<double>(clock_->MonotonicNs() - begin_ns) /
                                             1e9);
  labels.push_back(std::to_string(status));
  metrics_->queries->With(labels)->Increment();
}

}  // namespace deucalion::remote
