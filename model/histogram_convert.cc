// Integer histograms to float ones, and ConvertClassic: a classic histogram's cumulative buckets to
// a custom-bucket histogram. Its rules:
//
// * a bound occurs once (later ones are ignored) and is not NaN; counts are not negative and do not
//   fall from bound to bound;
// * without a +Inf bucket one is added that holds the total; without a total, the last bucket is
// it;
// * total and last bucket must agree;
// * all counts whole: an integer histogram, compacted leaving gaps of up to two empty buckets;
//   otherwise a float histogram without empty buckets;
// * +Inf is not stored as a bound.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/histogram.h"
#include "model/histogram_layout.h"
#include "model/value.h"

namespace deucalion {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

using ClassicBuckets = std::vector<std::pair<double, double>>;

Status CheckEach(const ClassicBuckets& buckets) {
  for (const auto& [bound, count] : buckets) {
    if (std::isnan(bound)) return InvalidArgumentError("bucket boundary must not be NaN");
    if (count < 0) {
      return InvalidArgumentError(fmt::format("bucket count must be non-negative: le={}, count={}",
                                              FormatFloatG(bound), FormatFloatG(count)));
    }
  }
  return OkStatus();
}

// Sorted, each bound once.
Result<ClassicBuckets> Tidy(ClassicBuckets buckets) {
  RETURN_IF_ERROR(CheckEach(buckets));
  std::stable_sort(buckets.begin(), buckets.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  buckets.erase(std::unique(buckets.begin(), buckets.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }),
                buckets.end());
  for (size_t i = 1; i < buckets.size(); i++) {
    if (buckets[i].second < buckets[i - 1].second) {
      return InvalidArgumentError(fmt::format("count is not cumulative: {} < {}",
                                              FormatFloatG(buckets[i].second),
                                              FormatFloatG(buckets[i - 1].second)));
    }
  }
  return buckets;
}

bool IsWhole(double count) {
  constexpr double kTwo63 = 9223372036854775808.0;
  return count < kTwo63 && count == std::round(count);
}

Status CountMismatch(const std::string& total, const std::pair<double, double>& last) {
  return InvalidArgumentError(fmt::format("count mismatch: count={} != le={} count={}", total,
                                          FormatFloatG(last.first), FormatFloatG(last.second)));
}

template <typename H>
void FillLayout(const ClassicBuckets& buckets, double sum, H* h) {
  h->schema = kCustomBucketsSchema;
  h->sum = sum;
  h->positive_spans = {{0, static_cast<uint32_t>(buckets.size())}};
  for (const auto& [bound, count] : buckets) {
    if (bound != kInf) h->custom_values.push_back(bound);
  }
}

Result<ConvertedHistogram> ToInteger(const ClassicBuckets& buckets, double total, double sum) {
  ConvertedHistogram out;
  IntHistogram& h = out.integer;
  FillLayout(buckets, sum, &h);
  h.count = static_cast<uint64_t>(total);
  int64_t cumulative = 0, previous = 0;
  for (const auto& [bound, count] : buckets) {
    const int64_t own = static_cast<int64_t>(count) - cumulative;
    h.positive_buckets.push_back(own - previous);
    previous = own;
    cumulative = static_cast<int64_t>(count);
  }
  if (h.count != static_cast<uint64_t>(cumulative)) {
    return CountMismatch(std::to_string(h.count), buckets.back());
  }
  h.Compact(2);
  RETURN_IF_ERROR(h.Validate());
  return out;
}

Result<ConvertedHistogram> ToFloating(const ClassicBuckets& buckets, double total, double sum) {
  ConvertedHistogram out;
  out.is_float = true;
  FloatHistogram& h = out.floating;
  FillLayout(buckets, sum, &h);
  h.count = total;
  double cumulative = 0;
  for (const auto& [bound, count] : buckets) {
    h.positive_buckets.push_back(count - cumulative);
    cumulative = count;
  }
  if (h.count != cumulative) return CountMismatch(FormatFloatG(h.count), buckets.back());
  h.Compact(0);
  RETURN_IF_ERROR(h.Validate());
  return out;
}

std::vector<double> Accumulate(const std::vector<int64_t>& deltas) {
  std::vector<double> counts;
  counts.reserve(deltas.size());
  double count = 0;
  for (const int64_t delta : deltas) counts.push_back(count += static_cast<double>(delta));
  return counts;
}

}  // namespace

FloatHistogram IntHistogram::ToFloat() const {
  FloatHistogram h;
  h.reset_hint = reset_hint;
  h.schema = schema;
  h.count = static_cast<double>(count);
  h.sum = sum;
  h.positive_spans = positive_spans;
  h.positive_buckets = Accumulate(positive_buckets);
  if (UsesCustomBuckets()) {
    h.custom_values = custom_values;
    return h;
  }
  h.zero_threshold = zero_threshold;
  h.zero_count = static_cast<double>(zero_count);
  h.negative_spans = negative_spans;
  h.negative_buckets = Accumulate(negative_buckets);
  return h;
}

Result<ConvertedHistogram> ConvertClassicToNhcb(const ClassicHistogram& classic) {
  ASSIGN_OR_RETURN(ClassicBuckets buckets, Tidy(classic.buckets));
  if (classic.has_count && classic.count < 0) {
    return InvalidArgumentError("count must be non-negative: count=" + FormatFloatG(classic.count));
  }
  if (!classic.has_count && buckets.empty()) {
    return InvalidArgumentError("count must be provided when no buckets are present");
  }
  const double total = classic.has_count ? classic.count : buckets.back().second;
  if (buckets.empty() || buckets.back().first != kInf) buckets.emplace_back(kInf, total);
  const bool whole = IsWhole(total) && std::all_of(buckets.begin(), buckets.end(),
                                                   [](const auto& b) { return IsWhole(b.second); });
  return whole ? ToInteger(buckets, total, classic.sum) : ToFloating(buckets, total, classic.sum);
}

}  // namespace deucalion
