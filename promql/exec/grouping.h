// Grouping of series by some of their labels.
#ifndef DEUCALION_PROMQL_EXEC_GROUPING_H_
#define DEUCALION_PROMQL_EXEC_GROUPING_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/labels.h"
#include "promql/ast.h"

namespace deucalion::promql {

// by (…) or without (…): which labels make the group. Const and thread-safe.
class Grouping {
 public:
  explicit Grouping(const AggregateExpr& a);
  // `on` = keep `labels`, else drop them and the metric name.
  Grouping(bool on, std::vector<std::string> labels);
  // All series are one group without labels.
  bool single() const { return keep_ && names_.empty(); }
  void LabelsOf(LabelsView series, Labels* group) const;
  void KeepAlso(std::string name);
  bool keeps() const { return keep_; }

 private:
  bool keep_;
  std::vector<std::string> names_;  // sorted
};

// Groups in the order in which they were first seen. Thread-compatible.
class GroupTable {
 public:
  // The index of the group; *added says whether it is new.
  uint32_t Find(LabelsView group, bool* added) {
    const auto it = index_.find(group);
    *added = it == index_.end();
    if (!*added) return it->second;
    const auto id = static_cast<uint32_t>(labels_.size());
    labels_.emplace_back(group);
    index_.emplace(labels_.back(), id);
    return id;
  }
  size_t size() const { return labels_.size(); }
  const Labels& labels(size_t i) const { return labels_[i]; }
  void Clear() {
    index_.clear();
    labels_.clear();
  }

 private:
  std::unordered_map<Labels, uint32_t, LabelsHash, LabelsEqual> index_;
  std::vector<Labels> labels_;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_GROUPING_H_
