// Grouping of series by some of their labels.
#ifndef DEUCALION_PROMQL_EXEC_GROUPING_H_
#define DEUCALION_PROMQL_EXEC_GROUPING_H_

#include <algorithm>
#include <cstdint>
#include <string>
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

// Groups in the order in which they were first seen. Cleared and filled again it keeps its memory.
// Thread-compatible.
class GroupTable {
 public:
  // The index of the group; *added says whether it is new.
  uint32_t Find(LabelsView group, bool* added) {
    // Series of a group often follow each other.
    if (used_ > 0 && labels_[last_].view() == group) {
      *added = false;
      return last_;
    }
    if (used_ * 2 >= slots_.size()) Grow();
    const uint64_t hash = group.Hash();
    size_t i = hash & (slots_.size() - 1);
    for (; slots_[i] != 0; i = (i + 1) & (slots_.size() - 1)) {
      const uint32_t id = slots_[i] - 1;
      if (hashes_[id] == hash && labels_[id].view() == group) {
        *added = false;
        return last_ = id;
      }
    }
    *added = true;
    last_ = static_cast<uint32_t>(used_++);
    slots_[i] = last_ + 1;
    if (labels_.size() < used_) labels_.emplace_back();
    labels_[last_].Assign(group);
    hashes_.push_back(hash);
    return last_;
  }
  size_t size() const { return used_; }
  const Labels& labels(size_t i) const { return labels_[i]; }
  void Clear() {
    // A large table that held little is not worth clearing again and again.
    if (slots_.size() > 64 && used_ * 8 < slots_.size()) slots_.resize(slots_.size() / 2);
    std::fill(slots_.begin(), slots_.end(), 0);
    hashes_.clear();
    used_ = 0;
  }

 private:
  void Grow() {
    slots_.assign(std::max<size_t>(64, slots_.size() * 2), 0);
    for (uint32_t id = 0; id < used_; id++) {
      size_t i = hashes_[id] & (slots_.size() - 1);
      while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = id + 1;
    }
  }

  std::vector<uint32_t> slots_;   // id + 1, 0 = free; open addressing
  std::vector<uint64_t> hashes_;  // by id
  std::vector<Labels> labels_;    // by id; those from used_ on are memory to use again
  size_t used_ = 0;
  uint32_t last_ = 0;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_GROUPING_H_
