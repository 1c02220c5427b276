// What a target says of a metric: TYPE, HELP, UNIT.
#ifndef DEUCALION_MODEL_METADATA_H_
#define DEUCALION_MODEL_METADATA_H_

#include <string>
#include <string_view>

namespace deucalion {

enum class MetricKind {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kGaugeHistogram,
  kSummary,
  kInfo,
  kStateset
};
// "unknown", "counter", … as the API and OpenMetrics write them.
std::string_view MetricKindText(MetricKind kind);
// kUnknown for anything else ("untyped" too).
MetricKind ParseMetricKind(std::string_view text);

struct Metadata {
  MetricKind kind = MetricKind::kUnknown;
  std::string unit;
  std::string help;
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

}  // namespace deucalion

#endif  // DEUCALION_MODEL_METADATA_H_
