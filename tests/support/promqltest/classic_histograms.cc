#include "tests/support/promqltest/classic_histograms.h"

#include <cmath>

#include "model/value.h"

namespace deucalion::promqltest {
namespace {

enum class Part { kNone, kBucket, kCount, kSum };

Part TakeSuffix(std::string_view* name) {
  constexpr std::pair<std::string_view, Part> kSuffixes[] = {
      {"_bucket", Part::kBucket}, {"_count", Part::kCount}, {"_sum", Part::kSum}};
  for (const auto& [suffix, part] : kSuffixes) {
    if (!name->ends_with(suffix)) continue;
    name->remove_suffix(suffix.size());
    return part;
  }
  return Part::kNone;
}

void Set(Part part, double upper_bound, double value, ClassicHistogram* out) {
  switch (part) {
    case Part::kBucket:
      out->buckets.emplace_back(upper_bound, value);
      return;
    case Part::kCount:
      out->has_count = true;
      out->count = value;
      return;
    case Part::kSum:
      out->sum = value;
      return;
    case Part::kNone:
      return;
  }
}

}  // namespace

Result<NativeHistograms> ConvertClassicHistograms(const LoadCommand& load) {
  std::map<Labels, std::map<int64_t, ClassicHistogram>> classic;
  for (const LoadedSeries& series : load.series) {
    std::string_view name = series.labels.Get(kMetricName);
    const Part part = TakeSuffix(&name);
    if (part == Part::kNone) continue;
    double upper_bound = 0;
    if (part == Part::kBucket) {
      Result<double> le = ParseFloat(series.labels.Get(kBucketLabel));
      if (!le.ok() || std::isnan(*le)) continue;
      upper_bound = *le;
    }
    LabelsBuilder base(series.labels);
    base.Set(kMetricName, name).Delete(kBucketLabel);
    auto& by_time = classic[base.Build()];
    for (size_t i = 0; i < series.values.size(); ++i) {
      const promql::SequenceValue& v = series.values[i];
      if (v.omitted || v.histogram != nullptr) continue;
      Set(part, upper_bound, v.value, &by_time[static_cast<int64_t>(i) * load.step_ms]);
    }
  }
  NativeHistograms out;
  for (const auto& [labels, by_time] : classic) {
    for (const auto& [time_ms, histogram] : by_time) {
      ASSIGN_OR_RETURN(ConvertedHistogram converted, ConvertClassicToNhcb(histogram));
      if (!converted.is_float) {
        RETURN_IF_ERROR(converted.integer.Validate());
        converted.floating = converted.integer.ToFloat();
      }
      RETURN_IF_ERROR(converted.floating.Validate());
      out[labels][time_ms] = std::move(converted.floating);
    }
  }
  return out;
}

}  // namespace deucalion::promqltest
