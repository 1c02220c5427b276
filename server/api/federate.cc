#include "server/api/federate.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/value.h"
#include "promql/parser/parser.h"
#include "server/api/federate_format.h"

namespace deucalion::api {
namespace {

// The newest sample of each series that is not a stale marker.
Status Collect(Querier& querier, const SelectHints& hints, const std::vector<Matcher>& matchers,
               const CancelToken& cancel, std::vector<FederatedSample>* out) {
  ASSIGN_OR_RETURN(auto set, querier.Select(false, hints, matchers, &cancel));
  SampleColumns columns;
  for (size_t i = 0; i < set->size(); i++) {
    RETURN_IF_ERROR(cancel.Check());
    columns.Clear();
    RETURN_IF_ERROR(set->Read(i, hints.min_ms, hints.max_ms, &columns));
    FederatedSample sample;
    const bool histogram =
        !columns.histograms.empty() &&
        (columns.times.empty() || columns.histograms.back().time_ms > columns.times.back());
    if (histogram) {
      HistogramPoint& last = columns.histograms.back();
      if (IsStaleNan(last.histogram.sum)) continue;
      sample.time_ms = last.time_ms;
      sample.histogram = std::make_shared<const FloatHistogram>(std::move(last.histogram));
    } else {
      if (columns.times.empty() || IsStaleNan(columns.values.back())) continue;
      sample.time_ms = columns.times.back();
      sample.value = columns.values.back();
    }
    set->LabelsOf(i, &sample.labels);
    out->push_back(std::move(sample));
  }
  return OkStatus();
}

// By name, a name's floats before its histograms, then by labels; each series once.
void SortAndMerge(std::vector<FederatedSample>* samples) {
  const auto before = [](const FederatedSample& a, const FederatedSample& b) {
    const auto order = a.labels.Get(kMetricName) <=> b.labels.Get(kMetricName);
    if (order != 0) return order < 0;
    const bool a_histogram = a.histogram != nullptr, b_histogram = b.histogram != nullptr;
    if (a_histogram != b_histogram) return b_histogram;
    return a.labels < b.labels;
  };
  std::sort(samples->begin(), samples->end(), before);
  const auto same = [](const FederatedSample& a, const FederatedSample& b) {
    return a.labels == b.labels;
  };
  samples->erase(std::unique(samples->begin(), samples->end(), same), samples->end());
}

// Writes family after family; a family in pieces would need its protobuf length first.
class FederateBody : public http::BodySource {
 public:
  FederateBody(http::ExpositionFormat format, std::vector<FederatedSample> samples, Labels external)
      : format_(format),
        samples_(std::move(samples)),
        external_(std::move(external)),
        external_labels_(FederateLabels(external_)) {}

  Result<bool> Next(std::string* out) override {
    const size_t want = out->size() + (64 << 10);
    while (next_ < samples_.size() && out->size() < want) {
      const FederatedSample& first = samples_[next_];
      size_t end = next_ + 1;
      while (end < samples_.size() && SameFamily(first, samples_[end])) end++;
      AppendFederatedFamily(format_, std::span(samples_).subspan(next_, end - next_),
                            external_labels_, out);
      next_ = end;
    }
    return next_ < samples_.size();
  }

 private:
  static bool SameFamily(const FederatedSample& a, const FederatedSample& b) {
    return (a.histogram == nullptr) == (b.histogram == nullptr) &&
           a.labels.Get(kMetricName) == b.labels.Get(kMetricName);
  }

  const http::ExpositionFormat format_;
  const std::vector<FederatedSample> samples_;
  const Labels external_;
  const std::vector<Label> external_labels_;
  size_t next_ = 0;
};

}  // namespace

void RegisterFederate(FederateOptions options, http::Router* router) {
  Counter* errors = options.metrics->AddCounter(
      "prometheus_web_federation_errors_total",
      "Total number of errors that occurred while sending federation responses.");
  Counter* warnings = options.metrics->AddCounter(
      "prometheus_web_federation_warnings_total",
      "Total number of warnings that occurred while sending federation responses.");
  const auto serve = [options, errors, warnings](http::Request& request, http::Response* response) {
    Storage* storage = options.storage();
    if (storage == nullptr || options.stopping()) {
      response->headers.Set("X-Prometheus-Stopping", options.stopping() ? "true" : "false");
      return response->Text(503, "Service Unavailable");
    }
    if (options.agent) {
      errors->Increment();
      return response->Error(500, kNoReadsInAgent);
    }
    const auto form = request.Form();
    if (!form.ok()) {
      return response->Error(400, "error parsing form values: " + form.status().message());
    }
    std::vector<std::vector<Matcher>> sets;
    for (const std::string& text : form->All("match[]")) {
      auto matchers = promql::ParseMetricSelector(text);
      if (!matchers.ok()) return response->Error(400, matchers.status().message());
      // {} selects nothing in Prometheus, not everything.
      if (!matchers->empty()) sets.push_back(std::move(*matchers));
    }
    const int64_t now_ms = options.clock->NowMs();
    const SelectHints hints{.min_ms = now_ms - options.lookback_ms + 1, .max_ms = now_ms};
    auto querier = storage->NewQuerier(hints.min_ms, hints.max_ms);
    std::vector<FederatedSample> samples;
    Status status = querier.ok() ? OkStatus() : querier.status();
    for (size_t i = 0; status.ok() && i < sets.size(); i++) {
      status = Collect(**querier, hints, sets[i], request.cancel, &samples);
    }
    if (!status.ok()) {
      errors->Increment();
      return response->Error(500, status.message());
    }
    SortAndMerge(&samples);
    const size_t nameless = std::erase_if(samples, [](const FederatedSample& sample) {
      return sample.labels.Get(kMetricName).empty();
    });
    if (nameless > 0) warnings->Add(static_cast<double>(nameless));
    const auto format = http::ExpositionFormat::Negotiate(request.headers.Get("Accept"), true);
    auto body =
        std::make_unique<FederateBody>(format, std::move(samples), options.external_labels());
    std::string first;
    const Result<bool> more = body->Next(&first);
    response->SetBody(std::move(first), format.ContentType());
    if (more.ok() && *more) response->source = std::move(body);
  };
  router->Get("/federate", serve, {.pool = http::PoolClass::kQuery});
}

}  // namespace deucalion::api
