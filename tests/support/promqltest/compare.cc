#include "tests/support/promqltest/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

#include "model/value.h"

namespace deucalion::promqltest {
namespace {

using promql::SequenceValue;

constexpr double kTolerance = 1e-6;

std::string Text(double v) { return IsStaleNan(v) ? "stale" : FormatFloatG(v); }
std::string Text(const FloatHistogram& h) { return h.TestExpression(); }
std::string Text(const SequenceValue& v) {
  if (v.omitted) return "_";
  return v.histogram != nullptr ? Text(*v.histogram) : Text(v.value);
}

bool BucketsMatch(std::span<const double> want, std::span<const double> got) {
  return std::ranges::equal(want, got, AlmostEqual);
}

// Spans that begin where the one before ends, or hold nothing, say nothing.
std::vector<BucketSpan> Canonical(const std::vector<BucketSpan>& spans) {
  std::vector<BucketSpan> out;
  int32_t gap = 0;
  for (const BucketSpan& span : spans) {
    gap += span.offset;
    if (span.length == 0) continue;
    if (!out.empty() && gap == 0) {
      out.back().length += span.length;
    } else {
      out.push_back({gap, span.length});
    }
    gap = 0;
  }
  return out;
}

const ExpectedSeries* Find(const EvalCommand& eval, const Labels& labels) {
  // The last of two lines for the same series counts.
  for (size_t i = eval.series.size(); i-- > 0;) {
    if (eval.series[i].labels == labels) return &eval.series[i];
  }
  return nullptr;
}

std::string ComparePoint(const SequenceValue& want, double value, const FloatHistogram* histogram,
                         const std::string& where) {
  const std::string got = histogram != nullptr ? Text(*histogram) : Text(value);
  const std::string differs = "want " + Text(want) + " for " + where + ", got " + got;
  if ((want.histogram != nullptr) != (histogram != nullptr)) return differs;
  if (histogram != nullptr) {
    return HistogramsMatch(*want.histogram, *histogram, want.reset_hint_set) ? "" : differs;
  }
  return AlmostEqual(want.value, value) ? "" : differs;
}

std::string CompareVector(const EvalCommand& eval, const promql::Vector& got) {
  if (eval.scalar) return "want a scalar, got a vector of " + std::to_string(got.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const promql::VectorSample& s = got[i];
    const std::string name = s.labels.ToString();
    const ExpectedSeries* want = Find(eval, s.labels);
    if (want == nullptr || want->values.empty()) {
      return "unexpected series " + name + ", has " +
             (s.histogram != nullptr ? Text(*s.histogram) : Text(s.value));
    }
    if (eval.ordered && want->position != static_cast<int>(i) + 1) {
      return "want " + name + " at position " + std::to_string(want->position) + ", got it at " +
             std::to_string(i + 1);
    }
    std::string differs = ComparePoint(want->values[0], s.value, s.histogram.get(), name);
    if (!differs.empty()) return differs;
  }
  for (const ExpectedSeries& want : eval.series) {
    const auto same = [&](const promql::VectorSample& s) { return s.labels == want.labels; };
    if (std::ranges::none_of(got, same)) {
      return "want series " + want.labels.ToString() +
             (want.values.empty() ? "" : " with " + Text(want.values[0])) + ", not found";
    }
    if (std::ranges::count_if(got, same) > 1) return "two series " + want.labels.ToString();
  }
  return "";
}

std::string DescribeSeries(const promql::MatrixSeries& s) {
  std::string out = "floats [";
  for (size_t i = 0; i < s.times.size(); ++i) {
    out += (i > 0 ? " " : "") + Text(s.values[i]) + "@" + std::to_string(s.times[i]);
  }
  out += "] histograms [";
  for (size_t i = 0; i < s.histograms.size(); ++i) {
    out += (i > 0 ? " " : "") + Text(*s.histograms[i].histogram) + "@" +
           std::to_string(s.histograms[i].time_ms);
  }
  return out + "]";
}

std::string CompareSeries(const EvalCommand& eval, const ExpectedSeries& want,
                          const promql::MatrixSeries& got) {
  const std::string name = got.labels.ToString();
  size_t floats = 0;
  size_t histograms = 0;
  for (size_t i = 0; i < want.values.size(); ++i) {
    const SequenceValue& value = want.values[i];
    const int64_t time_ms = eval.start_ms + static_cast<int64_t>(i) * eval.step_ms;
    if (time_ms > eval.end_ms) {
      return "want " + std::to_string(want.values.size()) + " points for " + name +
             ", but the time range of the query cannot return as many";
    }
    if (value.omitted) continue;
    const std::string where = name + " at " + std::to_string(time_ms);
    std::string differs;
    if (value.histogram != nullptr) {
      const size_t at = histograms++;
      if (at >= got.histograms.size() || got.histograms[at].time_ms != time_ms) {
        return "want a histogram for " + where + ", got " + DescribeSeries(got);
      }
      differs = ComparePoint(value, 0, got.histograms[at].histogram.get(), where);
    } else {
      const size_t at = floats++;
      if (at >= got.times.size() || got.times[at] != time_ms) {
        return "want " + Text(value) + " for " + where + ", got " + DescribeSeries(got);
      }
      differs = ComparePoint(value, got.values[at], nullptr, where);
    }
    if (!differs.empty()) return differs + "; got " + DescribeSeries(got);
  }
  if (floats != got.times.size() || histograms != got.histograms.size()) {
    return "want " + std::to_string(floats) + " floats and " + std::to_string(histograms) +
           " histograms for " + name + ", got " + DescribeSeries(got);
  }
  return "";
}

std::string CompareMatrix(const EvalCommand& eval, const promql::Matrix& got) {
  if (eval.ordered) return "want an ordered result, got a matrix";
  if (eval.scalar) return "want a scalar, got a matrix of " + std::to_string(got.size());
  std::string differs = CheckSorted(got);
  if (!differs.empty()) return differs;
  for (const promql::MatrixSeries& s : got) {
    const ExpectedSeries* want = Find(eval, s.labels);
    if (want == nullptr) {
      return "unexpected series " + s.labels.ToString() + ", has " + DescribeSeries(s);
    }
    differs = CompareSeries(eval, *want, s);
    if (!differs.empty()) return differs;
  }
  for (const ExpectedSeries& want : eval.series) {
    const auto same = [&](const promql::MatrixSeries& s) { return s.labels == want.labels; };
    if (std::ranges::none_of(got, same)) {
      return "want series " + want.labels.ToString() + ", not found";
    }
  }
  return "";
}

std::string CompareScalar(const EvalCommand& eval, double got) {
  if (!eval.scalar) return "want a vector or matrix, got scalar " + Text(got);
  if (AlmostEqual(*eval.scalar, got)) return "";
  return "want scalar " + Text(*eval.scalar) + ", got " + Text(got);
}

std::string CompareMessages(std::string_view kind, const std::vector<MessageMatch>& want, bool some,
                            bool none, const std::vector<std::string>& got) {
  const std::string name(kind);
  if (none && !got.empty()) return "want no " + name + ", got \"" + got[0] + "\"";
  if ((some || !want.empty()) && got.empty()) return "want a " + name + ", got none";
  if (want.empty()) return "";
  for (const MessageMatch& m : want) {
    if (std::ranges::none_of(got, [&](const std::string& g) { return m.Matches(g); })) {
      return "want a " + name + " matching " + m.Describe() + ", got \"" + got[0] + "\"" +
             (got.size() > 1 ? " and " + std::to_string(got.size() - 1) + " more" : "");
    }
  }
  for (const std::string& g : got) {
    if (std::ranges::none_of(want, [&](const MessageMatch& m) { return m.Matches(g); })) {
      return "unexpected " + name + " \"" + g + "\"";
    }
  }
  return "";
}

}  // namespace

bool AlmostEqual(double a, double b) {
  constexpr double kSmallest = std::numeric_limits<double>::min();
  if (IsStaleNan(a) || IsStaleNan(b)) return IsStaleNan(a) && IsStaleNan(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  const double sum = std::abs(a) + std::abs(b);
  const double difference = std::abs(a - b);
  if (a == 0 || b == 0 || sum < kSmallest) return difference < kTolerance * kSmallest;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

bool HistogramsMatch(const FloatHistogram& want, const FloatHistogram& got, bool check_hint) {
  FloatHistogram a = want;
  FloatHistogram b = got;
  a.Compact(0);
  b.Compact(0);
  return a.schema == b.schema && AlmostEqual(a.count, b.count) && AlmostEqual(a.sum, b.sum) &&
         (!a.UsesCustomBuckets() || a.custom_values == b.custom_values) &&
         a.zero_threshold == b.zero_threshold && AlmostEqual(a.zero_count, b.zero_count) &&
         Canonical(a.negative_spans) == Canonical(b.negative_spans) &&
         BucketsMatch(a.negative_buckets, b.negative_buckets) &&
         Canonical(a.positive_spans) == Canonical(b.positive_spans) &&
         BucketsMatch(a.positive_buckets, b.positive_buckets) &&
         (!check_hint || want.reset_hint == got.reset_hint);
}

std::string CheckSorted(const promql::Matrix& matrix) {
  for (size_t i = 1; i < matrix.size(); ++i) {
    if (matrix[i].labels < matrix[i - 1].labels) {
      return "matrix is not sorted: " + matrix[i].labels.ToString() + " after " +
             matrix[i - 1].labels.ToString();
    }
  }
  return "";
}

std::string CompareValue(const EvalCommand& eval, const promql::Value& got) {
  if (const auto* matrix = std::get_if<promql::Matrix>(&got)) return CompareMatrix(eval, *matrix);
  if (const auto* vector = std::get_if<promql::Vector>(&got)) return CompareVector(eval, *vector);
  if (const auto* scalar = std::get_if<promql::Scalar>(&got)) {
    return CompareScalar(eval, scalar->value);
  }
  const std::string& text = std::get<promql::String>(got).value;
  const std::string want = eval.text.value_or("");
  return text == want ? "" : "want string \"" + want + "\", got \"" + text + "\"";
}

std::string CompareAnnotations(const EvalCommand& eval, std::string_view query,
                               const promql::Annotations& got) {
  const promql::AnnotationTexts texts = got.Render(query, 0, 0);
  std::string differs =
      CompareMessages("warning", eval.warnings, eval.some_warning, eval.no_warn, texts.warnings);
  if (!differs.empty()) return differs;
  return CompareMessages("info", eval.infos, eval.some_info, eval.no_info, texts.infos);
}

std::string CompareFailure(const EvalCommand& eval, std::string_view got) {
  if (!eval.fail) return "query failed: " + std::string(got);
  if (!eval.failure || eval.failure->Matches(got)) return "";
  return "want an error matching " + eval.failure->Describe() + ", got \"" + std::string(got) +
         "\"";
}

}  // namespace deucalion::promqltest
