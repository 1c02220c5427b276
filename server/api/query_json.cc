#include "server/api/query_json.h"

#include <utility>
#include <variant>

#include "model/value.h"
#include "server/api/json.h"

namespace deucalion::api {
namespace {

// Large enough to make system calls and compression worth it, small enough to keep many clients.
constexpr size_t kPieceBytes = 64 << 10;

void AppendVectorSample(std::string* out, const promql::VectorSample& sample) {
  *out += "{\"metric\":";
  AppendJsonLabels(out, sample.labels);
  if (sample.histogram != nullptr) {
    *out += ",\"histogram\":";
    AppendJsonHistogramPoint(out, sample.time_ms, *sample.histogram);
  } else {
    *out += ",\"value\":";
    AppendJsonPoint(out, sample.time_ms, sample.value);
  }
  out->push_back('}');
}

// Scalars and strings take another way through upstream's encoder: times are plain numbers, and a
// scalar never has an exponent.
void AppendPlainTime(std::string* out, int64_t time_ms) {
  AppendJsonNumber(out, static_cast<double>(time_ms) / 1000);
}

void AppendScalar(std::string* out, const promql::Scalar& scalar) {
  out->push_back('[');
  AppendPlainTime(out, scalar.time_ms);
  *out += ",\"";
  AppendFloatF(out, scalar.value);
  *out += "\"]";
}

void AppendText(std::string* out, const promql::String& text) {
  out->push_back('[');
  AppendPlainTime(out, text.time_ms);
  out->push_back(',');
  AppendJsonString(out, text.value);
  out->push_back(']');
}

void AppendPerStep(std::string* out, JsonObject& parent, std::string_view key,
                   const std::vector<promql::StepSamples>& steps,
                   uint64_t promql::StepSamples::*count) {
  parent.Key(key);
  JsonArray array(out);
  for (const promql::StepSamples& step : steps) {
    array.Next();
    out->push_back('[');
    AppendTimestampSeconds(out, step.time_ms);
    *out += "," + std::to_string(step.*count) + "]";
  }
  array.Close();
}

// Walks the result: the head, then elements (a series of a matrix in several pieces when it is
// long), then the tail.
class QueryBody : public http::BodySource {
 public:
  QueryBody(promql::QueryResult result, Notes notes, StatsMode stats)
      : result_(std::move(result)), notes_(std::move(notes)), stats_(stats) {}

  Result<bool> Next(std::string* out) override {
    const size_t want = out->size() + kPieceBytes;
    if (!begun_) AppendHead(out);
    while (out->size() < want) {
      if (!AppendElement(out, want)) {
        AppendTail(out);
        return false;
      }
    }
    return true;
  }

 private:
  void AppendHead(std::string* out) {
    begun_ = true;
    AppendEnvelopeBegin(out);
    *out += "{\"resultType\":";
    AppendJsonString(out, promql::ValueTypeText(result_.value));
    *out += ",\"result\":";
    if (const auto* scalar = std::get_if<promql::Scalar>(&result_.value)) {
      AppendScalar(out, *scalar);
    } else if (const auto* text = std::get_if<promql::String>(&result_.value)) {
      AppendText(out, *text);
    } else {
      list_ = true;
      out->push_back('[');
    }
  }

  // False when there is nothing left.
  bool AppendElement(std::string* out, size_t want) {
    if (auto* vector = std::get_if<promql::Vector>(&result_.value)) {
      if (index_ == vector->size()) return false;
      if (index_ > 0) out->push_back(',');
      AppendVectorSample(out, (*vector)[index_]);
      (*vector)[index_++] = promql::VectorSample();
      return true;
    }
    auto* matrix = std::get_if<promql::Matrix>(&result_.value);
    if (matrix == nullptr || index_ == matrix->size()) return false;
    AppendSeries(out, want, (*matrix)[index_]);
    return true;
  }

  void AppendSeries(std::string* out, size_t want, promql::MatrixSeries& series) {
    if (!opened_) {
      opened_ = true;
      if (index_ > 0) out->push_back(',');
      *out += "{\"metric\":";
      AppendJsonLabels(out, series.labels);
    }
    for (; point_ < series.times.size(); point_++) {
      if (out->size() >= want) return;
      *out += point_ == 0 ? ",\"values\":[" : ",";
      AppendJsonPoint(out, series.times[point_], series.values[point_]);
      if (point_ + 1 == series.times.size()) out->push_back(']');
    }
    for (; histogram_ < series.histograms.size(); histogram_++) {
      if (out->size() >= want) return;
      const auto& point = series.histograms[histogram_];
      *out += histogram_ == 0 ? ",\"histograms\":[" : ",";
      AppendJsonHistogramPoint(out, point.time_ms, *point.histogram);
      if (histogram_ + 1 == series.histograms.size()) out->push_back(']');
    }
    out->push_back('}');
    series = promql::MatrixSeries();
    opened_ = false;
    point_ = histogram_ = 0;
    index_++;
  }

  void AppendTail(std::string* out) {
    if (list_) out->push_back(']');
    if (stats_ != StatsMode::kNone) {
      *out += ",\"stats\":";
      AppendQueryStats(out, result_.stats, stats_);
    }
    out->push_back('}');
    AppendEnvelopeEnd(out, notes_);
  }

  promql::QueryResult result_;
  const Notes notes_;
  const StatsMode stats_;
  bool begun_ = false;
  bool list_ = false;
  size_t index_ = 0;
  bool opened_ = false;   // the head of the series at index_ is written
  size_t point_ = 0;      // next float of the series at index_
  size_t histogram_ = 0;  // next histogram of it
};

}  // namespace

void AppendQueryStats(std::string* out, const promql::QueryStats& stats, StatsMode mode) {
  JsonObject o(out);
  o.Key("timings");
  JsonObject timings(out);
  timings.Number("evalTotalTime", stats.timings.eval_total);
  timings.Number("resultSortTime", stats.timings.result_sort);
  timings.Number("queryPreparationTime", stats.timings.preparation);
  timings.Number("innerEvalTime", stats.timings.inner_eval);
  timings.Number("execQueueTime", stats.timings.queue);
  timings.Number("execTotalTime", stats.timings.exec_total);
  timings.Close();
  o.Key("samples");
  JsonObject samples(out);
  if (mode == StatsMode::kAll && !stats.per_step.empty()) {
    AppendPerStep(out, samples, "totalQueryableSamplesPerStep", stats.per_step,
                  &promql::StepSamples::queryable);
    AppendPerStep(out, samples, "samplesReadPerStep", stats.per_step, &promql::StepSamples::read);
  }
  samples.Uint("totalQueryableSamples", stats.total_queryable_samples);
  samples.Uint("samplesRead", stats.samples_read);
  samples.Uint("peakSamples", stats.peak_samples);
  samples.Close();
  if (stats.cached_steps > 0) o.Uint("cachedSteps", stats.cached_steps);
  if (!stats.nodes.empty()) {
    o.Key("nodes");
    JsonArray nodes(out);
    for (const promql::NodeStats& node : stats.nodes) {
      nodes.Next();
      JsonObject n(out);
      n.String("expr", node.text);
      n.Int("begin", node.begin);
      n.Int("end", node.end);
      n.Int("depth", node.depth);
      n.Uint("seriesIn", node.series_in);
      n.Uint("seriesOut", node.series_out);
      n.Uint("samples", node.samples);
      n.Number("seconds", static_cast<double>(node.time_ns) / 1e9);
      n.Uint("peakBytes", node.peak_bytes);
      n.Close();
    }
    nodes.Close();
  }
  o.Close();
}

void RespondQuery(promql::QueryResult result, Notes notes, StatsMode stats,
                  http::Response* response) {
  auto body = std::make_unique<QueryBody>(std::move(result), std::move(notes), stats);
  std::string first;
  first.reserve(512);  // an answer of a few series
  const Result<bool> more = body->Next(&first);
  response->SetBody(std::move(first), "application/json");
  if (more.ok() && *more) response->source = std::move(body);
}

}  // namespace deucalion::api
