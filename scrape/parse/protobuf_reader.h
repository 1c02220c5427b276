// Reads io.prometheus.client.MetricFamily messages straight from the wire, into structs that are
// reused from metric to metric. Strings are views into the body. Unknown fields are skipped; the
// field numbers are those of client_model's metrics.proto. Thread-compatible.
#ifndef DEUCALION_SCRAPE_PARSE_PROTOBUF_READER_H_
#define DEUCALION_SCRAPE_PARSE_PROTOBUF_READER_H_

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"

namespace deucalion::scrape {

enum class ProtoType {
  kCounter = 0,
  kGauge = 1,
  kSummary = 2,
  kUntyped = 3,
  kHistogram = 4,
  kGaugeHistogram = 5,
};

using ProtoLabels = std::vector<std::pair<std::string_view, std::string_view>>;

struct ProtoExemplar {
  ProtoLabels labels;
  double value = 0;
  bool has_time = false;
  int64_t time_ms = 0;
};

struct ProtoBucket {
  double upper_bound = 0;
  double cumulative_count = 0;
  bool has_exemplar = false;
  ProtoExemplar exemplar;
};

struct ProtoHistogram {
  uint64_t sample_count = 0;
  double sample_count_float = 0;
  double sample_sum = 0;
  std::vector<ProtoBucket> buckets;
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  double zero_count_float = 0;
  std::vector<BucketSpan> negative_spans, positive_spans;
  std::vector<int64_t> negative_deltas, positive_deltas;
  std::vector<double> negative_counts, positive_counts;
  std::vector<ProtoExemplar> exemplars;
};

// One Metric message. Of the value fields those of the family's type count.
struct ProtoMetric {
  ProtoLabels labels;
  double value = 0;  // counter, gauge, untyped
  bool has_exemplar = false;
  ProtoExemplar exemplar;  // counter
  uint64_t summary_count = 0;
  double summary_sum = 0;
  std::vector<std::pair<double, double>> quantiles;
  ProtoHistogram histogram;
  int64_t start_ms = 0;
  int64_t timestamp_ms = 0;  // 0 = none

  void Clear();
};

struct ProtoFamily {
  std::string_view name;
  std::string_view help;
  std::string_view unit;
  uint64_t type = 0;
  std::vector<std::string_view> metrics;  // undecoded
};

// Takes the next length-delimited family off *body.
Status ReadProtoFamily(std::string_view* body, ProtoFamily* family);
Status ReadProtoMetric(std::string_view bytes, ProtoMetric* metric);

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_PARSE_PROTOBUF_READER_H_
