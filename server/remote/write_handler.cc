#include "server/remote/write_handler.h"

#include <algorithm>
#include <utility>

#include "model/labels.h"
#include "server/remote/content_negotiation.h"
#include "server/remote/snappy_block.h"

namespace deucalion::remote {
namespace {

// Samples further ahead than this are refused: a sender's clock is wrong, not ours.
constexpr int64_t kMaxAheadMs = 10 * 60 * 1000;
constexpr std::string_view kTooFarAhead = "out of bounds: timestamp is too far in the future";
// A request with thousands of bad series gets this many reasons.
constexpr size_t kMaxReasons = 50;

bool IsBadSample(StatusCode code) {
  return code == StatusCode::kOutOfOrder || code == StatusCode::kOutOfBounds ||
         code == StatusCode::kTooOld || code == StatusCode::kDuplicateSample;
}

std::string DescribeProblem(const WriteRequest& request, const WireSeries& series) {
  const std::string labels = request.LabelsOf(series).ToString();
  switch (series.problem) {
    case LabelProblem::kDuplicate:
      return "invalid labels for series, labels " + labels + ", duplicated label";
    case LabelProblem::kBadSymbols:
      return "invalid labels_refs: odd number or outside of the symbols table";
    default:
      return "invalid metric name or labels, got " + labels;
  }
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

}  // namespace

// A request on its way into storage.
struct WriteHandler::Batch {
  std::vector<SeriesRef> refs;                       // by series; 0 = refused
  std::vector<RefSample> samples;                    // those that go through the fast path
  std::vector<uint32_t> series_of;                   // series index of each of `samples`
  std::vector<std::pair<uint32_t, Status>> refused;  // series index, why
  uint64_t written_samples = 0, written_histograms = 0, written_exemplars = 0;
};

WriteHandler::WriteHandler(WriteHandlerOptions options)
    : options_(std::move(options)),
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
    return response->Error(415, std::string(v1 ? kMessageV1 : kMessageV2) +
                                    " protobuf message is not accepted by this server; accepted [" +
                                    std::string(v1 ? kMessageV2 : kMessageV1) + "]");
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
      v1 ? ParseWriteRequestV1(*decoded, &parsed) : ParseWriteRequestV2(*decoded, &parsed);
  if (!status.ok()) return response->Error(400, status.message());
  if (v1) {
    WriteV1(parsed, response);
  } else {
    WriteV2(parsed, response);
  }
}

Status WriteHandler::Resolve(const WriteRequest& request, Appender& appender, Batch* batch) {
  const int64_t max_ms = options_.clock->NowMs() + kMaxAheadMs;
  batch->refs.resize(request.series.size());
  batch->samples.reserve(request.samples.size());
  batch->series_of.reserve(request.samples.size());
  std::shared_ptr<const OrderCache::Order> expected;
  uint64_t first_hash = 0;
  bool as_expected = true;
  for (uint32_t i = 0; i < request.series.size(); i++) {
    const WireSeries& series = request.series[i];
    if (series.problem != LabelProblem::kNone) continue;
    const LabelsView labels = request.LabelsOf(series);
    const uint64_t hash = labels.Hash();
    if (i == 0) {
      first_hash = hash;
      expected = orders_.Get(hash);
    }
    const SeriesRef hint = expected != nullptr && i < expected->size() ? (*expected)[i] : 0;
    ASSIGN_OR_RETURN(batch->refs[i], appender.FindOrCreate(labels, hash, hint));
    as_expected = as_expected && hint == batch->refs[i];
    for (uint32_t s = series.sample_begin; s < series.sample_end; s++) {
      const WireSample& sample = request.samples[s];
      if (sample.time_ms > max_ms) {
        batch->refused.emplace_back(i, Status(StatusCode::kOutOfBounds, std::string(kTooFarAhead)));
        continue;
      }
      if (sample.st_ms != 0) {
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
  if (first_hash != 0 &&
      !(as_expected && expected != nullptr && expected->size() == batch->refs.size())) {
    orders_.Put(first_hash, std::make_shared<OrderCache::Order>(batch->refs));
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
    for (uint32_t h = series.histogram_begin; h < series.histogram_end; h++) {
      const WireHistogram& histogram = request.histograms[h];
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

void WriteHandler::WriteV1(const WriteRequest& request, http::Response* response) {
  auto appender = options_.storage()->NewAppender();
  Batch batch;
  uint64_t invalid = 0;
  for (const WireSeries& s : request.series) invalid += s.problem != LabelProblem::kNone;
  if (invalid > 0) invalid_labels_->Add(static_cast<double>(invalid));
  Status status = Resolve(request, *appender, &batch);
  if (status.ok() && !batch.refused.empty()) status = batch.refused[0].second;
  if (!status.ok()) {
    (void)appender->Rollback();
    return RespondFailure(status, response);
  }
  AppendExemplars(request, batch, *appender, &batch);
  status = appender->Commit();
  if (!status.ok()) return RespondFailure(status, response);
  without_metadata_->Add(static_cast<double>(batch.written_samples + batch.written_histograms));
  response->status = 204;
}

void WriteHandler::WriteV2(const WriteRequest& request, http::Response* response) {
  auto appender = options_.storage()->NewAppender();
  Batch batch;
  Status status = Resolve(request, *appender, &batch);
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

  std::string reasons;
  size_t count = 0;
  const auto add = [&](const std::string& reason) {
    if (++count > kMaxReasons) return;
    if (count > 1) reasons.push_back('\n');
    reasons += reason;
  };
  uint64_t invalid = 0;
  size_t next_refused = 0;
  for (uint32_t i = 0; i < request.series.size(); i++) {
    const WireSeries& series = request.series[i];
    if (series.problem != LabelProblem::kNone) {
      invalid +=
          series.sample_end - series.sample_begin + series.histogram_end - series.histogram_begin;
      add(DescribeProblem(request, series));
    }
    for (; next_refused < batch.refused.size() && batch.refused[next_refused].first == i;
         next_refused++) {
      add(batch.refused[next_refused].second.message() + " for series " +
          request.LabelsOf(series).ToString());
    }
  }
  if (invalid > 0) invalid_labels_->Add(static_cast<double>(invalid));
  if (count > kMaxReasons) {
    reasons += "\n" + std::to_string(count - kMaxReasons) + " more errors omitted";
  }
  if (count > 0) return response->Error(400, reasons);
  response->status = 204;
}

void WriteHandler::RespondFailure(const Status& status, http::Response* response) {
  if (IsBadSample(status.code())) return response->Error(400, status.message());
  options_.logger->Error("Error while remote writing", {{"err", status}});
  const bool retry = status.code() == StatusCode::kNoSpace ||
                     status.code() == StatusCode::kUnavailable ||
                     status.code() == StatusCode::kResourceExhausted;
  if (retry) response->headers.Set("Retry-After", "5");
  response->Error(retry ? 503 : 500, status.message());
}

}  // namespace deucalion::remote
