#include "model/metadata.h"

#include <array>

namespace deucalion {
namespace {

// In the order of MetricKind.
constexpr std::array<std::string_view, 8> kTexts = {
    "unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"};

}  // namespace

std::string_view MetricKindText(MetricKind kind) { return kTexts[static_cast<size_t>(kind)]; }

MetricKind ParseMetricKind(std::string_view text) {
  for (size_t i = 0; i < kTexts.size(); i++) {
    if (kTexts[i] == text) return static_cast<MetricKind>(i);
  }
  return MetricKind::kUnknown;
}

}  // namespace deucalion
