#include <algorithm>

#include "model/labels.h"

namespace deucalion {
namespace {

template <typename Pairs>
auto LowerBound(Pairs& pairs, std::string_view name) {
  return std::lower_bound(pairs.begin(), pairs.end(), name,
                          [](const auto& pair, std::string_view n) { return pair.first < n; });
}

}  // namespace

void LabelsBuilder::Reset(LabelsView base) {
  // Assigns into the strings of the last use: their capacity is the point of reusing a builder.
  size_t n = 0;
  for (const Label& label : base) {
    if (n == pairs_.size()) pairs_.emplace_back();
    pairs_[n].first.assign(label.name);
    pairs_[n].second.assign(label.value);
    n++;
  }
  pairs_.resize(n);
}

LabelsBuilder& LabelsBuilder::Set(std::string_view name, std::string_view value) {
  if (value.empty()) return Delete(name);
  const auto at = LowerBound(pairs_, name);
  if (at != pairs_.end() && at->first == name) {
    at->second.assign(value);
  } else {
    pairs_.emplace(at, std::string(name), std::string(value));
  }
  return *this;
}

LabelsBuilder& LabelsBuilder::Delete(std::string_view name) {
  const auto at = LowerBound(pairs_, name);
  if (at != pairs_.end() && at->first == name) pairs_.erase(at);
  return *this;
}

LabelsBuilder& LabelsBuilder::Keep(const std::vector<std::string>& names) {
  std::erase_if(pairs_, [&](const auto& pair) {
    return std::find(names.begin(), names.end(), pair.first) == names.end();
  });
  return *this;
}

std::string_view LabelsBuilder::Get(std::string_view name) const {
  const auto at = LowerBound(pairs_, name);
  return at != pairs_.end() && at->first == name ? std::string_view(at->second)
                                                 : std::string_view();
}

Labels LabelsBuilder::Build() const {
  Labels out;
  BuildInto(&out);
  return out;
}

void LabelsBuilder::BuildInto(Labels* out) const {
  std::string* bytes = out->mutable_bytes();
  bytes->clear();
  for (const auto& [name, value] : pairs_) AppendEncodedLabel(bytes, name, value);
}

}  // namespace deucalion
