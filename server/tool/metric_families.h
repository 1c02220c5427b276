// An exposition as families of metrics, the way client libraries model it: the series of a
// histogram or summary are one metric.
#ifndef DEUCALION_SERVER_TOOL_METRIC_FAMILIES_H_
#define DEUCALION_SERVER_TOOL_METRIC_FAMILIES_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace deucalion::tool {

struct MetricFamily {
  std::string name;
  bool has_help = false;
  MetricKind kind = MetricKind::kUnknown;
  // Of each metric, without the name; without `le` or `quantile` where the kind gives it a meaning.
  std::vector<Labels> metrics;
  // Of the first metric, if it is a histogram or summary.
  size_t buckets = 0;

  // The series it is stored as.
  size_t Cardinality() const;
};

// Families with at least one metric, by name. `text` is in the text format.
Result<std::vector<MetricFamily>> ReadFamilies(std::string_view text);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_METRIC_FAMILIES_H_
