#include "promql/exec/grouping.h"

#include <algorithm>
#include <utility>

namespace deucalion::promql {
namespace {

void SortUnique(std::vector<std::string>* names) {
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
}

}  // namespace

Grouping::Grouping(const AggregateExpr& a) : Grouping(!a.without, a.grouping) {}

Grouping::Grouping(bool on, std::vector<std::string> labels)
    : keep_(on), names_(std::move(labels)) {
  if (!keep_) names_.emplace_back(kMetricName);
  SortUnique(&names_);
}

void Grouping::KeepAlso(std::string name) {
  names_.push_back(std::move(name));
  SortUnique(&names_);
}

void Grouping::LabelsOf(LabelsView series, Labels* group) const {
  if (keep_) {
    KeepLabels(series, names_, group);
  } else {
    DropLabels(series, names_, group);
  }
}

}  // namespace deucalion::promql
