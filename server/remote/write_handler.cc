#include "server/remote/write_handler.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/compare_hash.h"
#include "model/labels.h"
#include "model/value.h"
#include "server/remote/content_negotiation.h"
#include "server/remote/received_samples.h"
#include "server/remote/snappy_block.h"

namespace deucalion::remote {
namespace {

constexpr std::string_view kTooFarAhead = "out of bounds: timestamp is too far in the future";
// A request with thousands of bad series gets this many reasons.
constexpr size_t kMaxReasons = 50;

Status OutOfOrder() { return Status(StatusCode::kOutOfOrder, "out of order sample"); }
Status DuplicateSample() {
  return Status(StatusCode::kDuplicateSample, "duplicate sample for timestamp");
}

// As Go prints a label set: {__name__="a", b="c"}.
std::string Show(LabelsView labels) {
  std::string text = "{";
  for (const Label& label : labels) {
    if (text.size() > 1) text += ", ";
    text += IsLegacyLabelName(label.name) ? std::string(label.name) : GoQuote(label.name);
    text += "=" + GoQuote(label.value);
  }
  return text + "}";
}

// Where a reason for a refusal comes from; `next` counts the request's symbol problems.
std::string DescribeProblem(const WriteRequest& request, const WireSeries& series, size_t* next) {
  if (series.problem == LabelProblem::kBadSymbols) {
    return *next < request.symbol_problems.size() ? request.symbol_problems[(*next)++]
                                                  : "parsing labels for series: invalid labelRefs";
  }
  const LabelsView labels = request.LabelsOf(series);
  if (series.problem != LabelProblem::kDuplicate) {
    return "invalid metric name or labels, got " + Show(labels);
  }
  std::string_view last, repeated;
  for (const Label& label : labels) {
    if (label.name == last) repeated = label.name;
    if (!repeated.empty()) break;
    last = label.name;
  }
  return "invalid labels for series, labels " + Show(labels) + ", duplicated label " +
         std::string(repeated);
}

// 2.0 wants at least one sample or histogram in each series.
bool HasNothing(const WireSeries& series) {
  return series.sample_begin == series.sample_end && series.histogram_begin == series.histogram_end;
}

Status AppendHistogram(Appender& appender, SeriesRef ref, const WireHistogram& h) {
  if (h.is_float) {
    FloatHistogram histogram = h.floating;
    // Finer than storage keeps: brought down, as upstream does.
    if (histogram.schema > kExponentialSchemaMax &&
        histogram.schema <= kExponentialSchemaMaxReserved) {
      histogram.ReduceResolution(kExponentialSchemaMax);
    }
    RETURN_IF_ERROR(histogram.Validate());
    return appender.AppendFloatHistogram(ref, h.time_ms, histogram, h.st_ms);
  }
  IntHistogram histogram = h.integer;
  if (histogram.schema > kExponentialSchemaMax &&
      histogram.schema <= kExponentialSchemaMaxReserved) {
    histogram.ReduceResolution(kExponentialSchemaMax);
  }
  RETURN_IF_ERROR(histogram.Validate());
  return appender.AppendHistogram(ref, h.time_ms, histogram, h.st_ms);
}

// What is to say about a 2.0 request.
struct Verdict {
  std::string reasons;  // one a line, the first kMaxReasons
  size_t problems = 0;
  uint64_t invalid_samples = 0;  // of series with bad labels
  uint64_t bare_samples = 0;     // of series without metadata

  void Add(const std::string& reason) {
    if (++problems > kMaxReasons) return;
    if (problems > 1) reasons.push_back('\n');
    reasons += reason;
  }
  std::string text() const {
    if (problems <= kMaxReasons) return reasons;
    return reasons + "\n" + std::to_string(problems - kMaxReasons) + " more errors omitted";
  }
};

// `refused`: samples that storage did not take, by series.
Verdict Judge(const WriteRequest& request,
              const std::vector<std::pair<uint32_t, Status>>& refused) {
  Verdict verdict;
  auto next_refused = refused.begin();
  auto next_exemplar = request.exemplar_problems.begin();
  size_t next_symbol_problem = 0;
  for (uint32_t i = 0; i < request.series.size(); i++) {
    const WireSeries& series = request.series[i];
    const LabelsView labels = request.LabelsOf(series);
    const uint32_t samples =
        series.sample_end - series.sample_begin + series.histogram_end - series.histogram_begin;
    const bool stored = series.problem == LabelProblem::kNone && samples > 0;
    if (series.problem != LabelProblem::kNone) {
      verdict.invalid_samples += samples;
      verdict.Add(DescribeProblem(request, series, &next_symbol_problem));
    } else if (samples == 0) {
      verdict.Add("TimeSeries must contain at least one sample or histogram for series " +
                  Show(labels));
    } else if (series.metadata < 0 ||
               request.metadata[static_cast<size_t>(series.metadata)] == Metadata()) {
      verdict.bare_samples += samples;
    }
    for (; next_exemplar != request.exemplar_problems.end() && next_exemplar->first == i;
         ++next_exemplar) {
      if (!stored) continue;
      verdict.Add("parsing exemplar for series " + Show(labels) + ": " + next_exemplar->second);
    }
    for (; next_refused != refused.end() && next_refused->first == i; ++next_refused) {
      verdict.Add(next_refused->second.message() + " for series " + Show(labels));
    }
  }
  return verdict;
}

}  // namespace

// A request on its way into storage.
struct WriteHandler::Batch {
  std::vector<SeriesRef> refs;  // by series; 0 = refused
  // What was known of this sender's order, under `order_key` (0: nothing to remember it by).
  uint64_t order_key = 0;
  std::shared_ptr<const OrderCache::Order> expected;
  std::vector<Hash128> label_bytes;  // by series: hash of its raw labels, if it has any
  std::vector<RefSample> samples;    // those that go through the fast path
  std::vector<uint32_t> series_of;   // series index of each of `samples`
  std::vector<std::pair<uint32_t, Status>> refused;  // series index, why
  uint64_t written_samples = 0, written_histograms = 0, written_exemplars = 0;

  OrderCache::Known ExpectedAt(size_t series) const {
    return expected != nullptr && series < expected->size() ? (*expected)[series]
                                                            : OrderCache::Known();
  }
};

WriteHandler::WriteHandler(WriteHandlerOptions options)
    : options_(std::move(options)),
      hash_seed_(std::random_device()() | uint64_t{std::random_device()()} << 32),
      orders_(options_.order_cache_bytes),
      invalid_labels_(options_.metrics->AddCounter(
          "prometheus_api_remote_write_invalid_labels_samples_total",
          "The total number of received remote write samples and histogram samples which were "
          "rejected due to invalid labels.")),
      without_metadata_(options_.metrics->AddCounter(
          "prometheus_api_remote_write_without_metadata_appended_samples_total",
          "The total number of received remote write samples (and histogram samples) which were "
          "ingested without corresponding metadata.")) {}

void WriteHandler::Serve(http::Request& request, http::Response* response) {
  const auto message = ParseWriteContentType(request.headers.Get("Content-Type"));
  if (!message.ok()) return response->Error(415, message.status().message());
  const bool v1 = *message == WriteMessage::kV1;
  if (v1 ? !options_.accept_v1 : !options_.accept_v2) {
    return response->Error(415,
                           std::string(v1 ? kMessageV1 : kMessageV2) +
                               " protobuf message is not accepted by this server; only accepts " +
                               std::string(v1 ? kMessageV2 : kMessageV1));
  }
  const std::string_view encoding = request.headers.Get("Content-Encoding");
  if (!encoding.empty() && !http::EqualsIgnoreCase(encoding, "snappy")) {
    return response->Error(415, std::string(encoding) +
                                    " encoding (compression) is not accepted by this server; only "
                                    "snappy is acceptable");
  }
  auto decoded = SnappyDecode(request.body, options_.max_decoded_bytes);
  if (!decoded.ok()) return response->Error(400, decoded.status().message());
  // Reused by the thread: the columns keep their capacity from request to request.
  thread_local WriteRequest parsed;
  const Status status =
      v1 ? ScanWriteRequestV1(*decoded, &parsed) : ParseWriteRequestV2(*decoded, &parsed);
  if (!status.ok()) return response->Error(400, status.message());
  if (v1) {
    WriteV1(&parsed, response);
  } else {
    WriteV2(parsed, response);
  }
}

Status WriteHandler::Recognise(WriteRequest* request, bool remembered, Batch* batch) {
  batch->refs.resize(request->series.size());
  batch->label_bytes.resize(request->series.size());
  for (uint32_t i = 0; i < request->series.size(); i++) {
    const WireSeries& series = request->series[i];
    if (series.raw_labels.empty()) continue;
    Hash128& bytes = batch->label_bytes[i];
    bytes = HashToCompare(series.raw_labels, hash_seed_);
    if (i == 0) {
      batch->order_key = bytes.low;
      batch->expected = orders_.Get(bytes.low);
    }
    const OrderCache::Known known = batch->ExpectedAt(i);
    if (remembered && known.ref != 0 && known.bytes == bytes) {
      batch->refs[i] = known.ref;
    } else {
      RETURN_IF_ERROR(ReadLabels(i, request));
    }
  }
  return OkStatus();
}

Status WriteHandler::Resolve(const WriteRequest& request, bool v1, Appender& appender,
                             Batch* batch) {
  const int64_t max_ms = options_.clock->NowMs() + kMaxAheadMs;
  batch->refs.resize(request.series.size());
  batch->label_bytes.resize(request.series.size());
  batch->samples.reserve(request.samples.size());
  batch->series_of.reserve(request.samples.size());
  bool as_expected = true;
  for (uint32_t i = 0; i < request.series.size(); i++) {
    const WireSeries& series = request.series[i];
    if (series.problem != LabelProblem::kNone || (!v1 && HasNothing(series))) continue;
    if (batch->refs[i] == 0) {
      const LabelsView labels = request.LabelsOf(series);
      const uint64_t hash = labels.Hash();
      if (i == 0 && batch->order_key == 0) {
        batch->order_key = hash;
        batch->expected = orders_.Get(hash);
      }
      const OrderCache::Known hint = batch->ExpectedAt(i);
      ASSIGN_OR_RETURN(batch->refs[i], appender.FindOrCreate(labels, hash, hint.ref));
      as_expected =
          as_expected && hint.ref == batch->refs[i] && hint.bytes == batch->label_bytes[i];
    }
    int64_t last_ms = INT64_MIN;
    for (uint32_t s = series.sample_begin; s < series.sample_end; s++) {
      const WireSample& sample = request.samples[s];
      // 2.0 asks senders for order, whatever the out-of-order window allows.
      if (!v1 && sample.time_ms <= last_ms) {
        batch->refused.emplace_back(i,
                                    sample.time_ms == last_ms ? DuplicateSample() : OutOfOrder());
        continue;
      }
      last_ms = sample.time_ms;
      if (sample.time_ms > max_ms) {
        batch->refused.emplace_back(i, Status(StatusCode::kOutOfBounds, std::string(kTooFarAhead)));
        continue;
      }
      if (sample.st_ms != 0) {
        if (options_.start_zero_ingestion && sample.st_ms < sample.time_ms) {
          // Refused as out of order once it is there: then there is nothing to add.
          (void)appender.Append(batch->refs[i], sample.st_ms, 0);
        }
        const Status one =
            appender.Append(batch->refs[i], sample.time_ms, sample.value, sample.st_ms);
        if (one.ok()) {
          batch->written_samples++;
        } else if (IsBadSample(one.code())) {
          batch->refused.emplace_back(i, one);
        } else {
          return one;
        }
        continue;
      }
      batch->samples.push_back({batch->refs[i], sample.time_ms, sample.value});
      batch->series_of.push_back(i);
    }
  }
  if (batch->order_key != 0 && !(as_expected && batch->expected != nullptr &&
                                 batch->expected->size() == batch->refs.size())) {
    auto order = std::make_shared<OrderCache::Order>(batch->refs.size());
    for (size_t i = 0; i < order->size(); i++) {
      (*order)[i] = {.ref = batch->refs[i], .bytes = batch->label_bytes[i]};
    }
    orders_.Put(batch->order_key, std::move(order));
  }
  std::vector<SampleError> errors;
  batch->written_samples += appender.AppendBatch(batch->samples, &errors);
  for (SampleError& e : errors) {
    if (!IsBadSample(e.status.code())) return e.status;
    batch->refused.emplace_back(batch->series_of[e.index], std::move(e.status));
  }
  for (uint32_t i = 0; i < request.series.size(); i++) {
    const WireSeries& series = request.series[i];
    if (batch->refs[i] == 0) continue;
    int64_t last_ms = INT64_MIN;
    for (uint32_t h = series.histogram_begin; h < series.histogram_end; h++) {
      const WireHistogram& histogram = request.histograms[h];
      if (!v1 && histogram.time_ms <= last_ms) {
        batch->refused.emplace_back(
            i, histogram.time_ms == last_ms ? DuplicateSample() : OutOfOrder());
        continue;
      }
      last_ms = histogram.time_ms;
      Status one = histogram.time_ms > max_ms
                       ? Status(StatusCode::kOutOfBounds, std::string(kTooFarAhead))
                       : AppendHistogram(appender, batch->refs[i], histogram);
      if (one.ok()) {
        batch->written_histograms++;
      } else if (IsBadSample(one.code()) || one.code() == StatusCode::kInvalidArgument) {
        batch->refused.emplace_back(i, std::move(one));
      } else {
        return one;
      }
    }
  }
  // By series, so that the first reason is that of the first series.
  std::stable_sort(batch->refused.begin(), batch->refused.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return OkStatus();
}

void WriteHandler::AppendExemplars(const WriteRequest& request, const Batch& batch,
                                   Appender& appender, Batch* result) {
  for (size_t i = 0; i < request.series.size(); i++) {
    const WireSeries& series = request.series[i];
    if (batch.refs[i] == 0) continue;
    for (uint32_t e = series.exemplar_begin; e < series.exemplar_end; e++) {
      const WireExemplar& wire = request.exemplars[e];
      const Status one = appender.AppendExemplar(batch.refs[i], Exemplar{.labels = wire.labels,
                                                                         .value = wire.value,
                                                                         .time_ms = wire.time_ms,
                                                                         .has_time = true});
      if (one.ok()) {
        result->written_exemplars++;
      } else {
        // Samples matter more: a refused exemplar never fails a request.
        options_.logger->Debug("Error while adding exemplar",
                               {{"series", request.LabelsOf(series).ToString()}, {"err", one}});
      }
    }
  }
}

Status WriteHandler::StageV1(WriteRequest* request, bool remembered, Appender& appender,
                             Batch* batch) {
  *batch = Batch();
  RETURN_IF_ERROR(Recognise(request, remembered, batch));
  return Resolve(*request, true, appender, batch);
}

void WriteHandler::WriteV1(WriteRequest* request, http::Response* response) {
  auto appender = options_.storage()->NewAppender();
  Batch batch;
  Status status = StageV1(request, true, *appender, &batch);
  if (status.code() == StatusCode::kNotFound) {
    (void)appender->Rollback();
    appender = options_.storage()->NewAppender();
    status = StageV1(request, false, *appender, &batch);
  }
  uint64_t invalid = 0;
  for (const WireSeries& s : request->series) invalid += s.problem != LabelProblem::kNone;
  if (invalid > 0) invalid_labels_->Add(static_cast<double>(invalid));
  if (status.ok() && !batch.refused.empty()) status = batch.refused[0].second;
  if (!status.ok()) {
    (void)appender->Rollback();
    return RespondFailure(status, response);
  }
  AppendExemplars(*request, batch, *appender, &batch);
  status = appender->Commit();
  if (!status.ok()) return RespondFailure(status, response);
  without_metadata_->Add(static_cast<double>(batch.written_samples + batch.written_histograms));
  response->status = 204;
}

void WriteHandler::WriteV2(const WriteRequest& request, http::Response* response) {
  auto appender = options_.storage()->NewAppender();
  Batch batch;
  Status status = Resolve(request, false, *appender, &batch);
  if (status.ok()) {
    AppendExemplars(request, batch, *appender, &batch);
    for (size_t i = 0; i < request.series.size(); i++) {
      const int32_t m = request.series[i].metadata;
      if (batch.refs[i] != 0 && m >= 0) {
        (void)appender->UpdateMetadata(batch.refs[i], request.metadata[static_cast<size_t>(m)]);
      }
    }
    status = appender->Commit();
  } else {
    (void)appender->Rollback();
  }
  if (!status.ok()) batch.written_samples = batch.written_histograms = batch.written_exemplars = 0;
  response->headers.Set("X-Prometheus-Remote-Write-Samples-Written",
                        std::to_string(batch.written_samples));
  response->headers.Set("X-Prometheus-Remote-Write-Histograms-Written",
                        std::to_string(batch.written_histograms));
  response->headers.Set("X-Prometheus-Remote-Write-Exemplars-Written",
                        std::to_string(batch.written_exemplars));
  if (!status.ok()) return RespondFailure(status, response);

  const Verdict verdict = Judge(request, batch.refused);
  if (verdict.invalid_samples > 0) {
    invalid_labels_->Add(static_cast<double>(verdict.invalid_samples));
  }
  if (verdict.bare_samples > 0) {
    without_metadata_->Add(static_cast<double>(verdict.bare_samples));
  }
  if (verdict.problems > 0) return response->Error(400, verdict.text());
  response->status = 204;
}

void WriteHandler::RespondFailure(const Status& status, http::Response* response) {
  RespondToFailedAppend(status, "Error while remote writing", options_.logger, response);
}

}  // namespace deucalion::remote
