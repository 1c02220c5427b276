#include "scrape/loop/sample_labels.h"

#include <algorithm>

#include "model/value.h"

namespace deucalion::scrape {
namespace {

constexpr std::string_view kExportedPrefix = "exported_";

// The first 50 characters, as %.50s prints them.
std::string_view First50(std::string_view text) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_character = (static_cast<uint8_t>(text[i]) & 0xc0) != 0x80;
    if (starts_character && ++characters > 50) return text.substr(0, i);
  }
  return text;
}

bool ValidNames(const Labels& labels, NameValidation scheme) {
  const bool legacy = scheme == NameValidation::kLegacy;
  return std::all_of(labels.begin(), labels.end(), [legacy](const Label& l) {
    if (l.name == kMetricName) {
      return legacy ? IsLegacyMetricName(l.value) : IsValidMetricName(l.value);
    }
    return (legacy ? IsLegacyLabelName(l.name) : IsValidLabelName(l.name)) && IsValidUtf8(l.value);
  });
}

}  // namespace

bool SampleLabels::Merge(const Labels& exposed, Labels* out) const {
  out->Clear();
  auto a = exposed.begin();
  auto b = target_.begin();
  const auto a_end = exposed.end();
  const auto b_end = target_.end();
  while (a != a_end || b != b_end) {
    if (a != a_end && b != b_end && a->name == b->name) return false;
    const bool take_a = b == b_end || (a != a_end && a->name < b->name);
    const Label& l = take_a ? *a : *b;
    AppendEncodedLabel(out->mutable_bytes(), l.name, l.value);
    take_a ? ++a : ++b;
  }
  return true;
}

void SampleLabels::MergeConflicting(const Labels& exposed) {
  builder_.Reset(exposed);
  if (config_->honor_labels) {
    for (const Label& l : target_) {
      if (!exposed.Has(l.name)) builder_.Set(l.name, l.value);
    }
    return;
  }
  std::vector<Label> conflicting;
  for (const Label& l : target_) {
    const std::string_view existing = exposed.Get(l.name);
    if (!existing.empty()) conflicting.push_back({l.name, existing});
    builder_.Set(l.name, l.value);
  }
  // Short names first: exported_x must find its place before exported_exported_x does.
  std::ranges::stable_sort(conflicting, {}, [](const Label& l) { return l.name.size(); });
  for (const Label& l : conflicting) {
    std::string name(l.name);
    do name.insert(0, kExportedPrefix);
    while (!builder_.Get(name).empty());
    builder_.Set(name, l.value);
  }
}

Status SampleLabels::Resolve(const Labels& exposed, Labels* out, bool* limit_exceeded) {
  *limit_exceeded = false;
  const bool merged = Merge(exposed, out);
  if (!merged || !config_->metric_relabel_configs.empty()) {
    if (merged) {
      builder_.Reset(*out);
    } else {
      MergeConflicting(exposed);
    }
    out->Clear();
    if (!Relabel(config_->metric_relabel_configs, &builder_)) return OkStatus();
    builder_.BuildInto(out);
    if (out->empty()) return OkStatus();
  }
  if (!out->Has(kMetricName)) {
    return InvalidArgumentError("missing metric name (__name__ label)");
  }
  if (!ValidNames(*out, config_->metric_name_validation_scheme.value_or(NameValidation::kUtf8))) {
    return InvalidArgumentError("invalid metric name or label names: " + out->ToString());
  }
  Status limits = CheckLimits(*out);
  *limit_exceeded = !limits.ok();
  return limits;
}

Status SampleLabels::CheckLimits(const Labels& labels) const {
  const ScrapeLimits& limits = config_->limits;
  const std::string metric(First50(labels.Get(kMetricName)));
  if (limits.label_limit > 0 && labels.size() > limits.label_limit) {
    return ResourceExhaustedError("label_limit exceeded (metric: " + metric +
                                  ", number of labels: " + std::to_string(labels.size()) +
                                  ", limit: " + std::to_string(limits.label_limit) + ")");
  }
  if (limits.label_name_length_limit == 0 && limits.label_value_length_limit == 0) {
    return OkStatus();
  }
  for (const Label& l : labels) {
    if (limits.label_name_length_limit > 0 && l.name.size() > limits.label_name_length_limit) {
      return ResourceExhaustedError("label_name_length_limit exceeded (metric: " + metric +
                                    ", label name: " + std::string(First50(l.name)) +
                                    ", length: " + std::to_string(l.name.size()) + ", limit: " +
                                    std::to_string(limits.label_name_length_limit) + ")");
    }
    if (limits.label_value_length_limit > 0 && l.value.size() > limits.label_value_length_limit) {
      return ResourceExhaustedError(
          "label_value_length_limit exceeded (metric: " + metric +
          ", label name: " + std::string(First50(l.name)) +
          ", value: " + GoQuote(First50(l.value)) + ", length: " + std::to_string(l.value.size()) +
          ", limit: " + std::to_string(limits.label_value_length_limit) + ")");
    }
  }
  return OkStatus();
}

}  // namespace deucalion::scrape
