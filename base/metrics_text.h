// Turns metric families into exposition text: Prometheus's 0.0.4.
// Thread-compatible.
#ifndef DEUCALION_BASE_METRICS_TEXT_H_
#define DEUCALION_BASE_METRICS_TEXT_H_

#include <map>
#include <string>
#include <string_view>

#include "base/metrics.h"

namespace deucalion {

// Shortest text that reads back to the same double; +Inf, -Inf, NaN.
std::string FormatMetricValue(double v);

class MetricTextWriter : public MetricSink {
 public:
  void Family(std::string_view name, std::string_view help, MetricType type) override;
  void Sample(std::string_view name_suffix, const MetricLabels& labels, double value) override;
  // All families sorted by name.
  std::string Finish();

 private:
  std::string name_;
  std::string* text_ = nullptr;                  // of the current family
  std::map<std::string, std::string> families_;  // by name
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_METRICS_TEXT_H_
