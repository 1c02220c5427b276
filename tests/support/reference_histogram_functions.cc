// What the histogram_* functions say of native histograms in the reference evaluator.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/reference_histogram.h"

namespace deucalion::testing_support {
namespace {

const double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

bool HoldsZero(const RefBucket& b) { return b.lower <= 0 && b.upper >= 0; }

// With nothing counted on one side of zero, the bucket around zero ends there.
RefBucket Narrowed(const RefHistogram& h, RefBucket b) {
  if (!HoldsZero(b)) return b;
  if (h.negative.empty() && !h.positive.empty()) b.lower = 0;
  if (h.positive.empty() && !h.negative.empty()) b.upper = 0;
  return b;
}

// The value at this share of the bucket.
double ValueAt(const RefBucket& b, double share, bool linear) {
  if (linear) return b.lower + (b.upper - b.lower) * share;
  return b.lower * std::pow(b.upper / b.lower, share);
}

double ShareAt(const RefBucket& b, double value, bool linear) {
  if (linear) return (value - b.lower) / (b.upper - b.lower);
  return std::log2(value / b.lower) / std::log2(b.upper / b.lower);
}

}  // namespace

double RefHistogramQuantile(const RefHistogram& h, double q) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (h.count == 0) return kNan;
  // Counted from the nearer end. NaN observations are in no bucket, as if above all: with them, it
  // is always from below.
  const bool from_below = std::isnan(h.sum) || q < 0.5;
  const double rank = (from_below ? q : 1 - q) * h.count;
  std::vector<RefBucket> buckets = RefAllBuckets(h);
  if (!from_below) std::ranges::reverse(buckets);
  RefBucket b;
  double seen = 0;
  for (const RefBucket& next : buckets) {
    b = next;
    seen += b.count;
    if (b.count != 0 && seen >= rank) break;
  }
  if (h.custom && std::isinf(b.lower)) {
    if (b.upper <= 0) return b.upper;
    b.lower = 0;
  } else if (h.custom && std::isinf(b.upper)) {
    return b.lower;
  }
  if (!h.custom) b = Narrowed(h, b);
  seen = std::min(seen, h.count);
  if (seen < rank) return std::isnan(h.sum) ? kNan : b.upper;
  const double inside = from_below ? rank - (seen - b.count) : seen - rank;
  return ValueAt(b, inside / b.count, h.custom || HoldsZero(b));
}

double RefHistogramFraction(const RefHistogram& h, double lower, double upper) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const std::vector<RefBucket> buckets = RefAllBuckets(h);
  double total = h.count;
  if (std::isnan(h.sum)) {
    total = 0;  // NaN observations are in no bucket
    for (const RefBucket& b : buckets) total += b.count;
  }
  // How many observations are below a value: at most all, and all when no bucket reaches it.
  const auto below = [&](double value) {
    double sum = 0;
    for (const RefBucket& all : buckets) {
      const RefBucket b = Narrowed(h, all);
      if (value <= b.lower) return std::min(sum, total);
      if (value < b.upper) {
        // Nothing is known of where observations without a bound are: none lies on the way to it.
        if (std::isinf(b.lower)) return std::min(b.count, total);
        if (std::isinf(b.upper)) return std::min(sum, total);
        return std::min(sum + b.count * ShareAt(b, value, h.custom || HoldsZero(b)), total);
      }
      sum += b.count;
    }
    return total;
  };
  return (below(upper) - below(lower)) / h.count;
}

double RefHistogramVariance(const RefHistogram& h) {
  const double mean = h.sum / h.count;
  double squares = 0;
  for (const RefBucket& b : RefAllBuckets(h)) {
    if (b.count == 0) continue;
    double middle = 0;
    if (h.custom) {
      middle = (b.lower + b.upper) / 2;
    } else if (!HoldsZero(b)) {
      middle = std::copysign(std::sqrt(b.lower * b.upper), b.upper);
    }
    squares += b.count * (middle - mean) * (middle - mean);
  }
  return squares / h.count;
}

}  // namespace deucalion::testing_support
