#include "server/api/federate_format.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "model/value.h"
#include "server/api/escape_name.h"
#include "server/remote/wire_put.h"

namespace deucalion::api {
namespace {

using remote::PutBytesAlways;
using remote::PutBytesField;
using remote::PutDoubleAlways;
using remote::PutDoubleField;
using remote::PutSIntField;
using remote::PutVarintAlways;
using remote::PutVarintField;

// Fields of io.prometheus.client.MetricFamily and what is in it.
constexpr uint32_t kFamilyName = 1, kFamilyType = 3, kFamilyMetric = 4;
constexpr uint32_t kMetricLabel = 1, kMetricUntyped = 5, kMetricTime = 6, kMetricHistogram = 7;
constexpr uint64_t kTypeUntyped = 3, kTypeHistogram = 4, kTypeGaugeHistogram = 5;

void AppendEscapedValue(std::string* out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\') {
      *out += "\\\\";
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '"') {
      *out += "\\\"";
    } else {
      out->push_back(c);
    }
  }
}

// Calls `each` with the sample's own labels, then with the external ones it does not have.
template <typename F>
void ForEachLabel(LabelsView labels, std::span<const Label> external, F&& each) {
  for (const Label& label : labels) {
    if (label.name != kMetricName) each(label);
  }
  for (const Label& label : external) {
    if (!labels.Has(label.name)) each(label);
  }
}

void AppendTextSample(const http::ExpositionFormat& format, std::string_view name,
                      const FederatedSample& sample, std::span<const Label> external,
                      std::string* out) {
  const bool quoted = !IsLegacyMetricName(name);
  if (!quoted) *out += name;
  char separator = '{';
  const auto separate = [&] {
    out->push_back(separator);
    separator = ',';
  };
  if (quoted) {
    separate();
    *out += GoQuote(name);
  }
  ForEachLabel(sample.labels, external, [&](const Label& label) {
    separate();
    const std::string shown = EscapeName(label.name, format.escaping, false);
    *out += IsLegacyLabelName(shown) ? shown : GoQuote(shown);
    *out += "=\"";
    AppendEscapedValue(out, label.value);
    out->push_back('"');
  });
  *out += "} ";
  // Upstream's writer knows no minus zero.
  AppendFloatG(out, sample.value == 0 ? 0 : sample.value);
  *out += " " + std::to_string(sample.time_ms) + "\n";
}

void AppendTextFamily(const http::ExpositionFormat& format, std::string_view name,
                      std::span<const FederatedSample> samples, std::span<const Label> external,
                      std::string* out) {
  if (samples[0].histogram != nullptr) return;
  *out += "# TYPE ";
  *out += IsLegacyMetricName(name) ? std::string(name) : GoQuote(name);
  *out += " untyped\n";
  for (const FederatedSample& sample : samples) {
    AppendTextSample(format, name, sample, external, out);
  }
}

std::string SpansAndCounts(const std::vector<BucketSpan>& spans, const std::vector<double>& counts,
                           uint32_t span_field, uint32_t count_field) {
  std::string out;
  for (const BucketSpan& span : spans) {
    std::string one;
    PutSIntField(&one, 1, span.offset);
    PutVarintField(&one, 2, span.length);
    PutBytesAlways(&out, span_field, one);
  }
  for (const double count : counts) PutDoubleAlways(&out, count_field, count);
  return out;
}

// Custom bounds are what classic buckets are: cumulative counts and upper bounds.
std::string ClassicBuckets(const FloatHistogram& h) {
  std::string out;
  double cumulative = 0;
  const auto put = [&](double bound) {
    std::string bucket;
    PutDoubleField(&bucket, 2, bound);
    PutDoubleField(&bucket, 4, cumulative);
    PutBytesAlways(&out, 3, bucket);
  };
  const std::vector<HistogramBucket> buckets = h.PositiveBuckets();
  size_t next = 0;
  for (size_t i = 0; i < h.custom_values.size(); i++) {
    for (; next < buckets.size() && buckets[next].index <= static_cast<int32_t>(i); next++) {
      cumulative += buckets[next].count;
    }
    put(h.custom_values[i]);
  }
  cumulative = h.count;
  put(std::numeric_limits<double>::infinity());
  return out;
}

std::string HistogramMessage(const FloatHistogram& h) {
  std::string out;
  PutDoubleField(&out, 4, h.count);
  PutDoubleField(&out, 2, h.sum);
  if (h.UsesCustomBuckets()) return out + ClassicBuckets(h);
  PutSIntField(&out, 5, h.schema);
  PutDoubleField(&out, 6, h.zero_threshold);
  PutDoubleField(&out, 8, h.zero_count);
  out += SpansAndCounts(h.negative_spans, h.negative_buckets, 9, 11);
  out += SpansAndCounts(h.positive_spans, h.positive_buckets, 12, 14);
  // An empty span tells a native histogram without observations from a classic one.
  if (h.positive_spans.empty() && h.negative_spans.empty() && h.zero_count == 0) {
    PutBytesAlways(&out, 12, "");
  }
  return out;
}

void AppendProtoFamily(const http::ExpositionFormat& format, std::string_view name,
                       std::span<const FederatedSample> samples, std::span<const Label> external,
                       std::string* out) {
  std::string family;
  PutBytesField(&family, kFamilyName, name);
  const FloatHistogram* first = samples[0].histogram.get();
  PutVarintAlways(&family, kFamilyType,
                  first == nullptr                         ? kTypeUntyped
                  : first->reset_hint == ResetHint::kGauge ? kTypeGaugeHistogram
                                                           : kTypeHistogram);
  for (const FederatedSample& sample : samples) {
    std::string metric;
    ForEachLabel(sample.labels, external, [&](const Label& label) {
      std::string pair;
      PutBytesField(&pair, 1, EscapeName(label.name, format.escaping, false));
      PutBytesField(&pair, 2, label.value);
      PutBytesAlways(&metric, kMetricLabel, pair);
    });
    std::string value;
    if (sample.histogram != nullptr) {
      PutBytesAlways(&metric, kMetricHistogram, HistogramMessage(*sample.histogram));
    } else {
      PutDoubleField(&value, 1, sample.value);
      PutBytesAlways(&metric, kMetricUntyped, value);
    }
    PutVarintAlways(&metric, kMetricTime, static_cast<uint64_t>(sample.time_ms));
    PutBytesAlways(&family, kFamilyMetric, metric);
  }
  PutLengthPrefixed(out, family);
}

}  // namespace

std::vector<Label> FederateLabels(LabelsView external) {
  std::vector<Label> labels(external.begin(), external.end());
  if (!external.Has("instance")) {
    const auto at = std::ranges::find_if(
        labels, [](const Label& label) { return label.name > std::string_view("instance"); });
    labels.insert(at, Label{"instance", ""});
  }
  return labels;
}

void AppendFederatedFamily(const http::ExpositionFormat& format,
                           std::span<const FederatedSample> samples,
                           std::span<const Label> external, std::string* out) {
  const std::string name = EscapeName(samples[0].labels.Get(kMetricName), format.escaping, true);
  if (format.protobuf) {
    AppendProtoFamily(format, name, samples, external, out);
  } else {
    AppendTextFamily(format, name, samples, external, out);
  }
}

}  // namespace deucalion::api
