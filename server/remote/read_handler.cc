#include "server/remote/read_handler.h"

#include <charconv>
#include <utility>

#include "server/remote/chunk_stream.h"
#include "server/remote/read_request.h"
#include "server/remote/read_response.h"
#include "server/remote/series_windows.h"
#include "server/remote/snappy_block.h"
#include "server/remote/wire_put.h"

namespace deucalion::remote {
namespace {

Result<std::vector<ReadPlan>> MakePlans(const ReadRequest& request, LabelsView external_labels) {
  std::vector<ReadPlan> plans;
  plans.reserve(request.queries.size());
  for (const ReadQuery& query : request.queries) {
    ASSIGN_OR_RETURN(ReadPlan plan, MakeReadPlan(query, external_labels));
    plans.push_back(std::move(plan));
  }
  return plans;
}

int HopsOf(const http::Request& request) {
  const std::string_view text = request.headers.Get(kHopsHeader);
  int hops = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), hops);
  return parsed.ec == std::errc() && hops > 0 ? hops : 0;
}

// Counts down what a query may still return.
class SampleBudget {
 public:
  explicit SampleBudget(size_t limit) : limit_(limit) {}
  Status Take(size_t samples) {
    taken_ += samples;
    if (limit_ == 0 || taken_ <= limit_) return OkStatus();
    return ResourceExhaustedError("exceeded sample limit (" + std::to_string(limit_) + ")");
  }

 private:
  const size_t limit_;
  size_t taken_ = 0;
};

// Counts a query from its arrival to the end of its answer.
class QueryCount {
 public:
  explicit QueryCount(Gauge* gauge) : gauge_(gauge) { gauge_->Add(1); }
  ~QueryCount() { gauge_->Add(-1); }
  QueryCount(const QueryCount&) = delete;
  QueryCount& operator=(const QueryCount&) = delete;

 private:
  Gauge* const gauge_;
};

}  // namespace

ReadHandler::ReadHandler(ReadHandlerOptions options)
    : options_(std::move(options)),
      queries_(options_.metrics->AddGauge(
          "prometheus_remote_read_handler_queries",
          "The current number of remote read queries that are either in execution or queued on the "
          "handler.")),
      gate_(std::make_shared<ReadGate>(
          options_.concurrent_limit,
          options_.metrics->AddHistogram(
              "prometheus_remote_read_handler_gate_wait_duration_seconds",
              "How long a request spent waiting for the gate to open before proceeding.", {}))) {}

ReadSource ReadHandler::Source(int hops) const {
  ReadSource source{.storage = options_.storage(), .new_querier = nullptr};
  if (options_.querier) {
    source.new_querier = [querier = options_.querier, hops](int64_t min_ms, int64_t max_ms) {
      return querier(min_ms, max_ms, hops);
    };
  }
  return source;
}

void ReadHandler::Serve(http::Request& request, http::Response* response) {
  const int hops = HopsOf(request);
  if (hops > kMaxHops) {
    return response->Error(500, "the remote read came through more than " +
                                    std::to_string(kMaxHops) +
                                    " servers. Do they read each other in a circle?");
  }
  const QueryCount count(queries_);
  const Status entered = gate_->Enter(request.cancel);
  if (!entered.ok()) return response->Error(500, entered.message());
  const ReadSlot slot(gate_.get());

  const auto decoded = SnappyDecode(request.body, options_.max_decoded_bytes);
  if (!decoded.ok()) return response->Error(400, decoded.status().message());
  const auto parsed = ParseReadRequest(*decoded);
  if (!parsed.ok()) return response->Error(400, parsed.status().message());
  const auto type = NegotiateResponseType(parsed->accepted_types);
  if (!type.ok()) return response->Error(400, type.status().message());

  Labels external_labels = options_.external_labels();
  auto plans = MakePlans(*parsed, external_labels);
  // Prometheus answers matchers that cannot be with 500, too.
  if (!plans.ok()) return response->Error(500, plans.status().message());
  if (*type == ReadResponseType::kStreamedXorChunks) {
    ServeChunks(Source(hops), std::move(*plans), std::move(external_labels), request.cancel,
                response);
  } else {
    ServeSamples(Source(hops), *plans, external_labels, request.cancel, response);
  }
}

void ReadHandler::ServeSamples(const ReadSource& source, const std::vector<ReadPlan>& plans,
                               const Labels& external_labels, const CancelToken& cancel,
                               http::Response* response) {
  std::string message;
  for (const ReadPlan& plan : plans) {
    const Status status = AppendResult(source, plan, external_labels, cancel, &message);
    if (!status.ok()) return RespondFailure(status, response);
  }
  auto block = SnappyEncode(message);
  if (!block.ok()) return RespondFailure(block.status(), response);
  response->SetBody(std::move(*block), kSamplesContentType);
  response->headers.Set("Content-Encoding", "snappy");
}

Status ReadHandler::AppendResult(const ReadSource& source, const ReadPlan& plan,
                                 const Labels& external_labels, const CancelToken& cancel,
                                 std::string* out) {
  ASSIGN_OR_RETURN(OpenReadQuery query, OpenQuery(source, plan, /*sorted=*/false, &cancel));
  for (const std::string& warning : query.Warnings()) {
    options_.logger->Warn("Warnings on remote read query", {{"err", warning}});
  }
  const size_t begin = out->size();
  SampleBudget budget(options_.sample_limit);
  SeriesWindows windows(query.series.get(), query.min_ms, query.max_ms, query.stored_min_ms,
                        query.stored_max_ms);
  Labels labels;
  SampleColumns columns;
  std::string series;
  for (size_t i = 0; i < query.size(); i++) {
    RETURN_IF_ERROR(cancel.Check());
    series.clear();
    query.series->LabelsOf(i, &labels);
    AppendLabels(labels, external_labels, &series);
    bool any = plan.only_labels;
    if (!plan.only_labels) windows.Start(i);
    while (!plan.only_labels) {
      ASSIGN_OR_RETURN(const bool more, windows.Next(&columns));
      if (!more) break;
      any = true;
      RETURN_IF_ERROR(budget.Take(columns.times.size() + columns.histograms.size()));
      AppendSamples(columns, &series);
    }
    if (any) PutBytesAlways(out, 1, series);
  }
  // The length is known only now; moving the bytes once is cheaper than holding them twice.
  std::string head;
  PutKey(&head, 1, WireType::kBytes);
  PutVarint(&head, out->size() - begin);
  out->insert(begin, head);
  return OkStatus();
}

void ReadHandler::ServeChunks(ReadSource source, std::vector<ReadPlan> plans,
                              Labels external_labels, const CancelToken& cancel,
                              http::Response* response) {
  ChunkStreamOptions stream;
  stream.source = std::move(source);
  stream.logger = options_.logger;
  stream.plans = std::move(plans);
  stream.external_labels = std::move(external_labels);
  stream.max_bytes_in_frame = options_.max_bytes_in_frame;
  stream.cancel = cancel;
  stream.gate = gate_;
  queries_->Add(1);
  stream.on_end = [queries = queries_] { queries->Add(-1); };
  auto body = std::make_unique<ChunkStream>(std::move(stream));
  const Status status = body->Start();
  if (!status.ok()) return RespondFailure(status, response);
  response->headers.Set("Content-Type", std::string(kChunksContentType));
  response->source = std::move(body);
}

void ReadHandler::RespondFailure(const Status& status, http::Response* response) {
  if (status.code() == StatusCode::kResourceExhausted) {
    return response->Error(400, status.message());
  }
  options_.logger->Error("Error while remote reading", {{"err", status}});
  response->Error(500, status.message());
}

}  // namespace deucalion::remote
