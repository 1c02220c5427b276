#include "server/remote/label_collector.h"

#include <algorithm>

namespace deucalion::remote {
namespace {

bool Usable(std::string_view text) { return text.size() <= kMaxLabelBytes && IsValidUtf8(text); }

}  // namespace

LabelProblem LabelCollector::Check(bool need_name) const {
  bool has_name = false;
  for (size_t i = 0; i < labels_.size(); i++) {
    const Label& label = labels_[i];
    if (label.name.empty() || !Usable(label.name) || !Usable(label.value)) {
      return LabelProblem::kInvalid;
    }
    if (label.name == kMetricName && !label.value.empty()) has_name = true;
  }
  if (need_name && !has_name) return LabelProblem::kNoName;
  for (size_t i = 1; i < labels_.size(); i++) {
    if (labels_[i - 1].name == labels_[i].name) return LabelProblem::kDuplicate;
  }
  return LabelProblem::kNone;
}

LabelProblem LabelCollector::Finish(bool need_name, std::string* out) {
  const auto by_name = [](const Label& a, const Label& b) { return a.name < b.name; };
  if (!std::is_sorted(labels_.begin(), labels_.end(), by_name)) {
    std::sort(labels_.begin(), labels_.end(), by_name);
  }
  size_t total = 0;
  for (const Label& label : labels_) total += label.name.size() + label.value.size();
  if (total > kMaxLabelBytes) return LabelProblem::kInvalid;
  const LabelProblem problem = Check(need_name);
  const bool for_message = problem != LabelProblem::kNone;
  for (const Label& label : labels_) {
    if (label.name.empty() || (label.value.empty() && !for_message)) continue;
    AppendEncodedLabel(out, label.name, label.value);
  }
  return problem;
}

}  // namespace deucalion::remote
