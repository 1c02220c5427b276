// Query results as promtool prints them with -o json: one line, as Go's encoding/json writes it.
#include <nlohmann/json.hpp>

#include "model/value.h"
#include "server/tool/query_result.h"

namespace deucalion::tool {
namespace {

// Characters that mean something in HTML are escaped.
std::string Quoted(const std::string& text) {
  using Json = nlohmann::json;
  std::string out;
  for (const char c : Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)) {
    switch (c) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string Number(double value) { return "\"" + FormatFloatF(value) + "\""; }
std::string Time(int64_t time_ms) { return FormatFloatF(static_cast<double>(time_ms) / 1000); }

template <typename T, typename Element>
std::string Array(const std::vector<T>& list, const Element& element) {
  std::string out = "[";
  for (size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : ",") + element(list[i]);
  return out + "]";
}

std::string Object(const LabelSet& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    out += (out.size() == 1 ? "" : ",") + Quoted(name) + ":" + Quoted(value);
  }
  return out + "}";
}

std::string Point(const FloatPoint& point) {
  return "[" + Time(point.time_ms) + "," + Number(point.value) + "]";
}

std::string Bucket(const HistogramBucket& bucket) {
  return "[" + std::to_string(bucket.boundaries) + "," + Number(bucket.lower) + "," +
         Number(bucket.upper) + "," + Number(bucket.count) + "]";
}

std::string Histogram(const HistogramPoint& point) {
  const SampleHistogram& h = point.histogram;
  return "[" + Time(point.time_ms) + ",{\"count\":" + Number(h.count) +
         ",\"sum\":" + Number(h.sum) + ",\"buckets\":" + Array(h.buckets, Bucket) + "}]";
}

std::string Sample(const SeriesValue& sample) {
  const std::string point = sample.histograms.empty()
                                ? "\"value\":" + Point(sample.values.front())
                                : "\"histogram\":" + Histogram(sample.histograms.front());
  return "{\"metric\":" + Object(sample.metric) + "," + point + "}";
}

std::string Stream(const SeriesValue& stream) {
  std::string out = "{\"metric\":" + Object(stream.metric);
  if (!stream.values.empty() || stream.histograms.empty()) {
    out += ",\"values\":" + Array(stream.values, Point);
  }
  if (!stream.histograms.empty()) out += ",\"histograms\":" + Array(stream.histograms, Histogram);
  return out + "}";
}

struct JsonVisitor {
  std::string operator()(const FloatPoint& scalar) const { return Point(scalar); }
  std::string operator()(const StringValue& string) const {
    return "[" + Time(string.time_ms) + "," + Quoted(string.text) + "]";
  }
  std::string operator()(const VectorValue& vector) const { return Array(vector.series, Sample); }
  std::string operator()(const MatrixValue& matrix) const { return Array(matrix.series, Stream); }
};

}  // namespace

std::string JsonOf(const QueryValue& value) { return std::visit(JsonVisitor(), value); }
std::string JsonOf(const std::vector<LabelSet>& series) { return Array(series, Object); }
std::string JsonOf(const std::vector<std::string>& names) { return Array(names, Quoted); }

}  // namespace deucalion::tool
