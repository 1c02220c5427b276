// ExportMetricsServiceRequest: what an OpenTelemetry client or collector sends, from protobuf or
// JSON.
//
//   ResourceMetrics  1 resource{1 attributes*}, 2 scope_metrics*
//   ScopeMetrics     1 scope{1 name, 2 version, 3 attributes*}, 2 metrics*, 3 schema_url
//   Metric           1 name, 2 description, 3 unit, 5 gauge, 7 sum, 9 histogram, 10 exponential
//                    histogram, 11 summary
//
// Points of all kinds are one struct: what a kind does not have stays empty.
#ifndef DEUCALION_SERVER_REMOTE_OTLP_OTLP_REQUEST_H_
#define DEUCALION_SERVER_REMOTE_OTLP_OTLP_REQUEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace deucalion::remote {

// Key and value; values as text, as Go's pdata writes them (lists and maps as JSON).
using OtlpAttributes = std::vector<std::pair<std::string, std::string>>;

enum class OtlpKind { kNone, kGauge, kSum, kHistogram, kExponential, kSummary };
enum class OtlpTemporality { kUnspecified = 0, kDelta = 1, kCumulative = 2 };

struct OtlpExemplar {
  OtlpAttributes attributes;
  uint64_t time_ns = 0;
  double value = 0;
  std::string trace_id, span_id;  // hexadecimal, empty when there is none
};

struct OtlpBuckets {
  int32_t offset = 0;
  std::vector<uint64_t> counts;
};

struct OtlpPoint {
  OtlpAttributes attributes;
  uint64_t start_ns = 0, time_ns = 0;
  bool no_value = false;  // the series has ended
  double value = 0;       // of gauges and sums
  uint64_t count = 0;     // of histograms and summaries
  double sum = 0;
  bool has_sum = false;
  std::vector<uint64_t> counts;                      // histogram: one more than there are bounds
  std::vector<double> bounds;                        // histogram
  int32_t scale = 0;                                 // exponential
  uint64_t zero_count = 0;                           // exponential
  OtlpBuckets positive, negative;                    // exponential
  std::vector<std::pair<double, double>> quantiles;  // summary: which, value
  std::vector<OtlpExemplar> exemplars;
};

struct OtlpMetric {
  std::string name, description, unit;
  OtlpKind kind = OtlpKind::kNone;
  bool monotonic = false;                                       // sum
  OtlpTemporality temporality = OtlpTemporality::kUnspecified;  // sums and histograms
  std::vector<OtlpPoint> points;
};

struct OtlpScope {
  std::string name, version, schema_url;
  OtlpAttributes attributes;
  std::vector<OtlpMetric> metrics;
};

struct OtlpResource {
  OtlpAttributes attributes;
  std::vector<OtlpScope> scopes;
};

using OtlpRequest = std::vector<OtlpResource>;

// kInvalidArgument when the bytes are no such message, or unpack to more than any client means (a
// few bytes of input must not become gigabytes of structures).
Result<OtlpRequest> ParseOtlpProtobuf(std::string_view bytes);
Result<OtlpRequest> ParseOtlpJson(std::string_view text);

// What both readers count against: how much may still be made of one request.
class OtlpAllowance {
 public:
  // False when that is too much.
  bool Take(size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  // A request of 32 MiB, the most that is read, unpacks to less unless it is made to unpack badly.
  size_t left_ = 256 << 20;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_OTLP_OTLP_REQUEST_H_
