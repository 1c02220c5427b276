// Query results as promtool prints them with -o promql.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "model/value.h"
#include "server/tool/query_result.h"

namespace deucalion::tool {
namespace {

constexpr char kName[] = "__name__";

void AppendTime(std::string* out, int64_t time_ms) {
  *out += " @[";
  AppendFloatF(out, static_cast<double>(time_ms) / 1000);
  *out += "]";
}

// name{a="b", c="d"}
std::string MetricText(const LabelSet& metric) {
  const auto name = metric.find(kName);
  std::vector<std::string> pairs;
  for (const auto& [label, value] : metric) {
    if (label != kName) pairs.push_back(label + "=" + GoQuote(value));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out = name == metric.end() ? "" : name->second;
  if (pairs.empty()) return name == metric.end() ? "{}" : out;
  for (size_t i = 0; i < pairs.size(); ++i) out += (i == 0 ? "{" : ", ") + pairs[i];
  return out + "}";
}

std::string PointText(const FloatPoint& point) {
  std::string out = FormatFloatF(point.value);
  AppendTime(&out, point.time_ms);
  return out;
}

std::string SixDecimals(double value) {
  if (!std::isfinite(value)) return FormatFloatF(value);
  char text[400];  // the largest double has 309 digits before the point
  std::snprintf(text, sizeof(text), "%f", value);
  return text;
}

std::string BucketText(const HistogramBucket& bucket) {
  const bool lower_closed = bucket.boundaries == 1 || bucket.boundaries == 3;
  const bool upper_closed = bucket.boundaries == 0 || bucket.boundaries == 3;
  return (lower_closed ? "[" : "(") + FormatFloatG(bucket.lower) + "," +
         FormatFloatG(bucket.upper) + (upper_closed ? "]:" : "):") + FormatFloatF(bucket.count);
}

std::string PointText(const HistogramPoint& point) {
  const SampleHistogram& h = point.histogram;
  std::string out =
      "Count: " + SixDecimals(h.count) + ", Sum: " + SixDecimals(h.sum) + ", Buckets: [";
  for (size_t i = 0; i < h.buckets.size(); ++i)
    out += (i == 0 ? "" : " ") + BucketText(h.buckets[i]);
  out += "]";
  AppendTime(&out, point.time_ms);
  return out;
}

std::string SampleText(const SeriesValue& sample) {
  const std::string point = sample.histograms.empty() ? PointText(sample.values.front())
                                                      : PointText(sample.histograms.front());
  return MetricText(sample.metric) + " => " + point;
}

std::string StreamText(const SeriesValue& stream) {
  std::string out = MetricText(stream.metric) + " =>";
  for (const FloatPoint& point : stream.values) out += "\n" + PointText(point);
  for (const HistogramPoint& point : stream.histograms) out += "\n" + PointText(point);
  return out;
}

template <typename Line>
std::string Lines(const std::vector<SeriesValue>& series, const Line& line) {
  std::string out;
  for (size_t i = 0; i < series.size(); ++i) out += (i == 0 ? "" : "\n") + line(series[i]);
  return out;
}

struct TextVisitor {
  std::string operator()(const FloatPoint& scalar) const { return "scalar: " + PointText(scalar); }
  std::string operator()(const StringValue& string) const { return string.text; }
  std::string operator()(const VectorValue& vector) const {
    return Lines(vector.series, SampleText);
  }
  // The server sends streams in the order of their labels already.
  std::string operator()(const MatrixValue& matrix) const {
    return Lines(matrix.series, StreamText);
  }
};

}  // namespace

std::string TextOf(const QueryValue& value) { return std::visit(TextVisitor(), value); }

std::string TextOf(const LabelSet& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    out += (out.size() == 1 ? "" : ", ") + name + "=" + GoQuote(value);
  }
  return out + "}";
}

}  // namespace deucalion::tool
