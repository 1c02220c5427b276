// Lint of metrics: names, units, help texts and labels that go against the conventions of
// Prometheus. The rules and words are those of its client library.
#ifndef DEUCALION_SERVER_TOOL_METRIC_LINT_H_
#define DEUCALION_SERVER_TOOL_METRIC_LINT_H_

#include <string>
#include <vector>

#include "server/tool/metric_families.h"

namespace deucalion::tool {

struct MetricProblem {
  std::string metric;
  std::string text;
  friend auto operator<=>(const MetricProblem&, const MetricProblem&) = default;
};

// Sorted; a problem with labels occurs once for each metric that has it.
std::vector<MetricProblem> LintMetrics(const std::vector<MetricFamily>& families);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_METRIC_LINT_H_
