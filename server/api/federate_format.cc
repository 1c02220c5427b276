#include "server/api/federate_format.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "model/value.h"
#include "server/http/message.h"
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

double QualityOf(const http::MediaType& media) {
  double quality = 1;
  const std::string_view text = media.params.Get("q");
  if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), quality);
  return quality;
}

std::string EscapeWithUnderscores(std::string_view name, bool colons) {
  std::string out;
  for (size_t i = 0; i < name.size(); i++) {
    const auto c = static_cast<unsigned char>(name[i]);
    if ((c & 0xc0) == 0x80) continue;  // one underscore per character, not per byte
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                        (colons && c == ':') || (i > 0 && c >= '0' && c <= '9');
    out.push_back(letter ? static_cast<char>(c) : '_');
  }
  return out;
}

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

void AppendTextSample(const FederateFormat& format, std::string_view name,
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
    if (IsLegacyLabelName(label.name)) {
      *out += label.name;
    } else if (format.utf8_names) {
      *out += GoQuote(label.name);
    } else {
      *out += EscapeWithUnderscores(label.name, false);
    }
    *out += "=\"";
    AppendEscapedValue(out, label.value);
    out->push_back('"');
  });
  *out += "} ";
  // Upstream's writer knows no minus zero.
  AppendFloatG(out, sample.value == 0 ? 0 : sample.value);
  *out += " " + std::to_string(sample.time_ms) + "\n";
}

void AppendTextFamily(const FederateFormat& format, std::string_view name,
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

void AppendProtoFamily(const FederateFormat& format, std::string_view name,
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
      const bool plain = format.utf8_names || IsLegacyLabelName(label.name);
      PutBytesField(&pair, 1,
                    plain ? std::string(label.name) : EscapeWithUnderscores(label.name, false));
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

FederateFormat FederateFormat::Negotiate(std::string_view accept) {
  FederateFormat best;
  double best_quality = -1;
  while (!accept.empty()) {
    const size_t end = std::min(accept.find(','), accept.size());
    const auto media = http::ParseMediaType(accept.substr(0, end));
    accept.remove_prefix(std::min(end + 1, accept.size()));
    if (!media.ok()) continue;
    FederateFormat offer;
    offer.utf8_names = media->params.Get("escaping") == "allow-utf-8";
    if (media->type == "application/vnd.google.protobuf") {
      if (media->params.Get("proto") != "io.prometheus.client.MetricFamily") continue;
      if (media->params.Get("encoding") != "delimited") continue;
      offer.protobuf = true;
    } else if (media->type != "text/plain") {
      continue;
    } else if (const auto version = media->params.Get("version");
               !version.empty() && version != "0.0.4" && version != "1.0.0") {
      continue;
    }
    if (const double quality = QualityOf(*media); quality > best_quality) {
      best = offer;
      best_quality = quality;
    }
  }
  return best;
}

std::string FederateFormat::ContentType() const {
  std::string type = protobuf ? "application/vnd.google.protobuf; "
                                "proto=io.prometheus.client.MetricFamily; encoding=delimited"
                              : "text/plain; version=0.0.4; charset=utf-8";
  return type + (utf8_names ? "; escaping=allow-utf-8" : "; escaping=underscores");
}

std::vector<Label> FederateLabels(LabelsView external) {
  std::vector<Label> labels(external.begin(), external.end());
  if (!external.Has("instance")) {
    const auto at = std::ranges::find_if(
        labels, [](const Label& label) { return label.name > std::string_view("instance"); });
    labels.insert(at, Label{"instance", ""});
  }
  return labels;
}

void AppendFederatedFamily(const FederateFormat& format, std::span<const FederatedSample> samples,
                           std::span<const Label> external, std::string* out) {
  const std::string_view own = samples[0].labels.Get(kMetricName);
  const std::string escaped = EscapeWithUnderscores(own, true);
  const std::string_view name = format.utf8_names ? own : std::string_view(escaped);
  if (format.protobuf) {
    AppendProtoFamily(format, name, samples, external, out);
  } else {
    AppendTextFamily(format, name, samples, external, out);
  }
}

}  // namespace deucalion::api
