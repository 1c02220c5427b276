#include "promql/exec/notes.h"

#include <string>
#include <utility>

#include "model/value.h"

namespace deucalion::promql::notes {
namespace {

Annotation Make(AnnotationKind kind, std::string text, int32_t pos) {
  Annotation a;
  a.kind = kind;
  a.text = (kind == AnnotationKind::kInfo ? "PromQL info: " : "PromQL warning: ") + text;
  a.position = pos;
  return a;
}
Annotation Warning(std::string text, int32_t pos) {
  return Make(AnnotationKind::kWarning, std::move(text), pos);
}
Annotation Info(std::string text, int32_t pos) {
  return Make(AnnotationKind::kInfo, std::move(text), pos);
}

// " for metric name "x"", nothing without a name.
std::string ForMetric(std::string_view name) {
  return name.empty() ? std::string() : " for metric name " + GoQuote(name);
}

std::string_view OpText(HistogramOp op) {
  switch (op) {
    case HistogramOp::kAdd:
      return "addition";
    case HistogramOp::kSub:
      return "subtraction";
    case HistogramOp::kAggregate:
      break;
  }
  return "aggregation";
}

}  // namespace

Annotation InvalidRatio(double got, double capped_to, int32_t pos) {
  return Warning("ratio value should be between -1 and 1, got " + FormatFloatG(got) +
                     ", capping to " + FormatFloatG(capped_to),
                 pos);
}
Annotation InvalidQuantile(double got, int32_t pos) {
  return Warning("quantile value should be between 0 and 1, got " + FormatFloatG(got), pos);
}
Annotation BadBucketLabel(std::string_view metric_name, std::string_view le, int32_t pos) {
  return Warning("bucket label \"le\" is missing or has a malformed value of " + GoQuote(le) +
                     ForMetric(metric_name),
                 pos);
}
Annotation MixedFloatsHistograms(std::string_view metric_name, int32_t pos) {
  return Warning(
      "encountered a mix of histograms and floats for metric name " + GoQuote(metric_name), pos);
}
Annotation MixedFloatsHistogramsInAggregation(int32_t pos) {
  return Warning("encountered a mix of histograms and floats for aggregation", pos);
}
Annotation MixedClassicNative(std::string_view metric_name, int32_t pos) {
  return Warning("vector contains a mix of classic and native histograms" + ForMetric(metric_name),
                 pos);
}
Annotation NativeNotCounter(std::string_view metric_name, int32_t pos) {
  return Warning("this native histogram metric is not a counter: " + GoQuote(metric_name), pos);
}
Annotation NativeNotGauge(std::string_view metric_name, int32_t pos) {
  return Warning("this native histogram metric is not a gauge: " + GoQuote(metric_name), pos);
}
Annotation MixedExponentialCustom(std::string_view metric_name, int32_t pos) {
  return Warning(
      "vector contains a mix of histograms with exponential and custom buckets schemas for metric "
      "name " +
          GoQuote(metric_name),
      pos);
}
Annotation IncompatibleBucketLayout(std::string_view op, int32_t pos) {
  return Warning("incompatible bucket layout encountered for binary operator " + std::string(op),
                 pos);
}
Annotation SortInRangeQuery(int32_t pos) {
  return Warning("sort is ineffective for range queries since results are always ordered by labels",
                 pos);
}
Annotation CounterResetCollision(HistogramOp op, int32_t pos) {
  return Warning("conflicting counter resets during histogram " + std::string(OpText(op)), pos);
}
Annotation StartTimeOverlap(std::string_view metric_name, int32_t pos) {
  Annotation a =
      Warning("sample has start time that overlaps with previous sample timestamp for metric " +
                  GoQuote(metric_name),
              pos);
  a.detail = Annotation::Detail::kOccurrences;
  a.count = 1;
  return a;
}

Annotation PossibleNonCounter(std::string_view metric_name, int32_t pos) {
  return Info("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
                  GoQuote(metric_name),
              pos);
}
Annotation PossibleNonCounterByLabel(std::string_view metric_name, std::string_view type_label,
                                     int32_t pos) {
  return Info(
      "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", "
      "got " +
          GoQuote(type_label) + ": " + GoQuote(metric_name),
      pos);
}
Annotation ForcedMonotonicity(std::string_view metric_name, int64_t time_ms, double min_bucket,
                              double max_bucket, double max_diff, int32_t pos) {
  Annotation a = Info(
      "input to histogram_quantile needed to be fixed for monotonicity (see "
      "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)" +
          ForMetric(metric_name),
      pos);
  a.detail = Annotation::Detail::kForcedMonotonicity;
  a.min_time_ms = a.max_time_ms = time_ms;
  a.min_bucket = min_bucket;
  a.max_bucket = max_bucket;
  a.max_diff = max_diff;
  a.count = 1;
  return a;
}
Annotation IncompatibleTypes(std::string_view left_type, std::string_view op,
                             std::string_view right_type, int32_t pos) {
  std::string text = "incompatible sample types encountered for binary operator " + GoQuote(op);
  text.append(": ").append(left_type).append(" ").append(op).append(" ").append(right_type);
  return Info(std::move(text), pos);
}
Annotation HistogramIgnoredInAggregation(std::string_view aggregation, int32_t pos) {
  return Info("ignored histogram in " + std::string(aggregation) + " aggregation", pos);
}
Annotation HistogramIgnoredInMixedRange(std::string_view metric_name, int32_t pos) {
  return Info(
      "ignored histograms in a range containing both floats and histograms for metric name " +
          GoQuote(metric_name),
      pos);
}
Annotation QuantileNanResult(std::string_view metric_name, int32_t pos) {
  return Info(
      "input to histogram_quantile has NaN observations, result is NaN" + ForMetric(metric_name),
      pos);
}
Annotation QuantileNanSkew(std::string_view metric_name, int32_t pos) {
  return Info("input to histogram_quantile has NaN observations, result is skewed higher" +
                  ForMetric(metric_name),
              pos);
}
Annotation FractionNans(std::string_view metric_name, int32_t pos) {
  return Info(
      "input to histogram_fraction has NaN observations, which are excluded from all fractions" +
          ForMetric(metric_name),
      pos);
}
Annotation MismatchedCustomBuckets(HistogramOp op, int32_t pos) {
  return Info("mismatched custom buckets were reconciled during " + std::string(OpText(op)), pos);
}

}  // namespace deucalion::promql::notes
