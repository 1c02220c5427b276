#include "promql/functions/histogram_math.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/value.h"

namespace deucalion::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// Where to cut the observations that lie below some value off: looks at buckets from the lowest on.
// Counts below `lower` and below `upper` are found in one pass.
class RankFinder {
 public:
  RankFinder(double lower, double upper) : values_{lower, upper} {}

  // `interpolate(v)` is the rank of a value inside this bucket. False when both ranks are known.
  template <typename Interpolate>
  bool Look(double bucket_lower, double bucket_upper, double rank, Interpolate interpolate) {
    for (int i = 0; i < 2; i++) {
      if (!found_[i] && bucket_lower >= values_[i]) Set(i, rank);
    }
    if (found_[0] && found_[1]) return false;
    for (int i = 0; i < 2; i++) {
      if (!found_[i] && bucket_lower < values_[i] && bucket_upper > values_[i]) {
        Set(i, interpolate(values_[i]));
      }
    }
    return !(found_[0] && found_[1]);
  }
  // Observations between the two. A value beyond all buckets has all `total` observations below it.
  double Difference(double total) const { return Rank(1, total) - Rank(0, total); }

 private:
  void Set(int i, double rank) {
    ranks_[i] = rank;
    found_[i] = true;
  }
  double Rank(int i, double total) const {
    return !found_[i] || ranks_[i] > total ? total : ranks_[i];
  }
  double values_[2];
  double ranks_[2] = {0, 0};
  bool found_[2] = {false, false};
};

// With only positive or only negative buckets, the zero bucket ends at zero on the other side.
void NarrowZeroBucket(const FloatHistogram& h, HistogramBucket* b) {
  if (h.negative_buckets.empty() && !h.positive_buckets.empty()) {
    b->lower = 0;
  } else if (h.positive_buckets.empty() && !h.negative_buckets.empty()) {
    b->upper = 0;
  }
}

// How far `v` is on the way from bound to bound on a logarithmic scale.
double LogFraction(const HistogramBucket& b, double v) {
  const double log_lower = std::log2(std::fabs(b.lower));
  const double log_upper = std::log2(std::fabs(b.upper));
  const double log_v = std::log2(std::fabs(v));
  if (v > 0) return (log_v - log_lower) / (log_upper - log_lower);
  return 1 - (log_v - log_upper) / (log_lower - log_upper);
}

// The value at `fraction` of the way from bound to bound.
double InterpolateValue(const FloatHistogram& h, const HistogramBucket& b, double fraction) {
  if (h.UsesCustomBuckets() || (b.lower <= 0 && b.upper >= 0)) {
    return b.lower + (b.upper - b.lower) * fraction;
  }
  const double log_lower = std::log2(std::fabs(b.lower));
  const double log_upper = std::log2(std::fabs(b.upper));
  if (b.lower > 0) return std::exp2(log_lower + (log_upper - log_lower) * fraction);
  return -std::exp2(log_upper + (log_lower - log_upper) * (1 - fraction));
}

// Walks buckets until the counts reach the rank. Ranks are counted from the nearer end, but always
// from below when there are NaN observations: those are counted, but in no bucket.
struct RankSearch {
  bool from_below = true;
  double rank = 0;
  double count = 0;  // up to and with `bucket`
  HistogramBucket bucket;
  size_t seen = 0;
};

RankSearch SearchRank(double q, const FloatHistogram& h,
                      const std::vector<HistogramBucket>& buckets) {
  RankSearch s;
  s.from_below = std::isnan(h.sum) || q < 0.5;
  s.rank = (s.from_below ? q : 1 - q) * h.count;
  while (s.seen < buckets.size()) {
    s.bucket = buckets[s.from_below ? s.seen : buckets.size() - 1 - s.seen];
    s.seen++;
    if (s.bucket.count == 0) continue;
    s.count += s.bucket.count;
    if (s.count >= s.rank) break;
  }
  return s;
}

// Whether the buckets hold fewer observations than the histogram has.
bool HasNanObservations(const FloatHistogram& h, const std::vector<HistogramBucket>& buckets,
                        size_t from, double count) {
  if (!std::isnan(h.sum)) return false;
  for (size_t i = from; i < buckets.size(); i++) count += buckets[i].count;
  return count < h.count;
}

}  // namespace

HistogramQuantileResult HistogramQuantile(double q, const FloatHistogram& h) {
  HistogramQuantileResult out;
  out.value = NormalNan();
  if (q < 0) out.value = -kInf;
  if (q > 1) out.value = kInf;
  if (q < 0 || q > 1 || h.count == 0 || std::isnan(q)) return out;

  const std::vector<HistogramBucket> buckets = h.AllBuckets();
  RankSearch s = SearchRank(q, h, buckets);
  if (!h.UsesCustomBuckets()) {
    if (s.bucket.lower < 0 && s.bucket.upper > 0) NarrowZeroBucket(h, &s.bucket);
  } else if (s.bucket.lower == -kInf) {
    if (s.bucket.upper <= 0) {
      out.value = s.bucket.upper;
      return out;
    }
    s.bucket.lower = 0;
  } else if (s.bucket.upper == kInf) {
    out.value = s.bucket.lower;
    return out;
  }
  s.count = std::min(s.count, h.count);  // rounding may have carried it beyond
  if (s.count < s.rank) {
    out.nan_result = std::isnan(h.sum);
    if (!out.nan_result) out.value = s.bucket.upper;  // a malformed histogram
    return out;
  }
  const double rank_in_bucket =
      s.from_below ? s.rank - (s.count - s.bucket.count) : s.count - s.rank;
  out.nan_skew = HasNanObservations(h, buckets, s.seen, s.count);
  out.value = InterpolateValue(h, s.bucket, rank_in_bucket / s.bucket.count);
  return out;
}

HistogramFractionResult HistogramFraction(double lower, double upper, const FloatHistogram& h) {
  HistogramFractionResult out;
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) {
    out.value = NormalNan();
    return out;
  }
  if (lower >= upper) return out;

  const std::vector<HistogramBucket> buckets = h.AllBuckets();
  RankFinder finder(lower, upper);
  double rank = 0;
  for (HistogramBucket b : buckets) {
    const bool holds_zero = b.lower <= 0 && b.upper >= 0;
    if (holds_zero) NarrowZeroBucket(h, &b);
    const bool linear = h.UsesCustomBuckets() || holds_zero;
    const bool more = finder.Look(b.lower, b.upper, rank, [&](double v) {
      if (!linear) return rank + b.count * LogFraction(b, v);
      if (b.lower == -kInf) return b.count;
      return rank + b.count * (v - b.lower) / (b.upper - b.lower);
    });
    if (!more) break;
    rank += b.count;
  }
  double total = h.count;
  if (std::isnan(h.sum)) {
    total = 0;
    for (const HistogramBucket& b : buckets) total += b.count;
    out.has_nan = total < h.count;
  }
  out.value = finder.Difference(total) / h.count;
  return out;
}

double HistogramStdvar(const FloatHistogram& h) {
  const double mean = h.sum / h.count;
  double variance = 0;
  double compensation = 0;
  for (const HistogramBucket& b : h.AllBuckets()) {
    if (b.count == 0) continue;
    double middle = 0;
    if (h.UsesCustomBuckets()) {
      middle = (b.upper + b.lower) / 2;
    } else if (b.lower > 0 || b.upper < 0) {
      middle = std::sqrt(b.upper * b.lower);
      if (b.upper < 0) middle = -middle;
    }
    const double delta = middle - mean;
    const double term = b.count * delta * delta;
    const double sum = variance + term;
    if (std::isinf(sum)) {
      compensation = 0;
    } else if (std::fabs(variance) >= std::fabs(term)) {
      compensation += (variance - sum) + term;
    } else {
      compensation += (term - sum) + variance;
    }
    variance = sum;
  }
  return (variance + compensation) / h.count;
}

double HistogramStddev(const FloatHistogram& h) { return std::sqrt(HistogramStdvar(h)); }

namespace {

// Relative difference below which counts differ by floating-point noise only.
constexpr double kSmallDelta = 1e-12;

bool AlmostEqual(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return IsStaleNan(a) == IsStaleNan(b);
  if (a == b) return true;
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  const double sum = std::fabs(a) + std::fabs(b);
  const double diff = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return diff < kSmallDelta * kMinNormal;
  return diff / std::min(sum, std::numeric_limits<double>::max()) < kSmallDelta;
}

// Sorted, each bound once. False when there is no +Inf bucket.
bool Tidy(std::vector<ClassicBucket>* buckets) {
  std::stable_sort(
      buckets->begin(), buckets->end(),
      [](const ClassicBucket& a, const ClassicBucket& b) { return a.upper_bound < b.upper_bound; });
  if (buckets->empty() || buckets->back().upper_bound != kInf) return false;
  size_t last = 0;
  for (size_t i = 1; i < buckets->size(); i++) {
    if ((*buckets)[i].upper_bound == (*buckets)[last].upper_bound) {
      (*buckets)[last].count += (*buckets)[i].count;
    } else {
      (*buckets)[++last] = (*buckets)[i];
    }
  }
  buckets->resize(last + 1);
  return true;
}

MonotonicityFix MakeMonotonic(std::vector<ClassicBucket>* buckets) {
  MonotonicityFix fix;
  fix.min_bucket = kInf;
  fix.max_bucket = -kInf;
  double previous = (*buckets)[0].count;
  for (ClassicBucket& b : *buckets) {
    if (b.count == previous) continue;
    if (AlmostEqual(previous, b.count)) {
      fix.small_deltas = true;
      b.count = previous;
    } else if (b.count < previous) {
      fix.forced = true;
      fix.min_bucket = std::min(fix.min_bucket, b.upper_bound);
      fix.max_bucket = std::max(fix.max_bucket, b.upper_bound);
      fix.max_diff = std::max(fix.max_diff, previous - b.count);
      b.count = previous;
    } else {
      previous = b.count;
    }
  }
  return fix;
}

// `buckets` are tidy and monotonic and have observations.
double QuantileOfTidy(double q, const std::vector<ClassicBucket>& buckets) {
  double rank = q * buckets.back().count;
  const auto found =
      std::partition_point(buckets.begin(), buckets.end() - 1,
                           [rank](const ClassicBucket& b) { return !(b.count >= rank); });
  const auto i = static_cast<size_t>(found - buckets.begin());
  // Nothing is known of the last bucket but where it begins.
  if (i == buckets.size() - 1) return buckets[i - 1].upper_bound;
  if (i == 0 && buckets[0].upper_bound <= 0) return buckets[0].upper_bound;
  double start = 0;
  double count = buckets[i].count;
  if (i > 0) {
    start = buckets[i - 1].upper_bound;
    count -= buckets[i - 1].count;
    rank -= buckets[i - 1].count;
  }
  return start + (buckets[i].upper_bound - start) * (rank / count);
}

}  // namespace

BucketQuantileResult BucketQuantile(double q, std::vector<ClassicBucket>* buckets) {
  BucketQuantileResult out;
  out.value = NormalNan();
  if (q < 0) out.value = -kInf;
  if (q > 1) out.value = kInf;
  if (q < 0 || q > 1 || std::isnan(q) || !Tidy(buckets)) return out;
  out.fix = MakeMonotonic(buckets);
  if (buckets->size() < 2 || buckets->back().count == 0) return out;
  out.value = QuantileOfTidy(q, *buckets);
  return out;
}

double BucketFraction(double lower, double upper, std::vector<ClassicBucket>* buckets) {
  if (!Tidy(buckets)) return NormalNan();
  const double total = buckets->back().count;
  if (total == 0 || std::isnan(lower) || std::isnan(upper)) return NormalNan();
  if (lower >= upper) return 0;
  RankFinder finder(lower, upper);
  double rank = 0;
  // Without negative bounds there are no negative observations.
  double start = buckets->front().upper_bound <= 0 ? -kInf : 0;
  for (const ClassicBucket& b : *buckets) {
    const bool more = finder.Look(start, b.upper_bound, rank, [&](double v) {
      if (start == -kInf) return b.count;
      return rank + (b.count - rank) * (v - start) / (b.upper_bound - start);
    });
    if (!more) break;
    rank = b.count;
    start = b.upper_bound;
  }
  return finder.Difference(total) / total;
}

}  // namespace deucalion::promql
