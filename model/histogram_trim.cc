// The operators </ and >/: keep the observations below or above a value. Buckets wholly on the kept
// side stay, the one that holds the value is interpolated (linearly when custom, exponentially
// otherwise), and the sum is estimated anew from the middles of what is left. A bucket with an
// infinite bound says nothing about where its observations are; it is kept or dropped as a whole,
// except where zero can stand in for the bound.
#include <cmath>
#include <limits>

#include "model/histogram.h"

namespace deucalion {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

struct Part {
  double count = 0;
  double middle = 0;
};

double ZeroIfInfinite(double v) { return std::isinf(v) ? 0 : v; }

class Trimmer {
 public:
  Trimmer(double at, bool keep_lower, bool linear)
      : at_(at), keep_lower_(keep_lower), linear_(linear) {}

  double count() const { return count_; }
  double sum() const { return sum_; }
  bool changed() const { return changed_; }

  // `buckets` are the decoded `counts`, in the same order.
  void TrimSide(const std::vector<HistogramBucket>& buckets, bool positive,
                std::vector<double>* counts) {
    for (size_t i = 0; i < buckets.size(); i++) {
      const HistogramBucket& b = buckets[i];
      if (b.count == 0) continue;
      (positive ? has_positive_ : has_negative_) = true;
      Part part;
      if (keep_lower_ ? b.upper <= at_ : b.lower >= at_) {
        part = {b.count, Middle(b.lower, b.upper, positive)};
      } else if (keep_lower_ ? b.lower < at_ : b.upper > at_) {
        part = Split(b, positive);
      } else {
        (*counts)[i] = 0;
        changed_ = true;
        continue;
      }
      Count(part, &(*counts)[i]);
    }
  }

  // After both sides.
  void TrimZeroBucket(double threshold, double* zero_count) {
    if (!(*zero_count > 0)) return;
    const double lower = has_positive_ && !has_negative_ ? 0 : -threshold;
    const double upper = has_negative_ && !has_positive_ ? 0 : threshold;
    Part part;
    // Where both hold (a width of zero) the value counts as being below.
    const bool below = at_ <= lower;
    const bool above = !below && at_ >= upper;
    if (keep_lower_ ? above : below) {
      part = {*zero_count, (lower + upper) / 2};
    } else if (!below && !above) {
      const double kept = keep_lower_ ? at_ - lower : upper - at_;
      part = {*zero_count * (kept / (upper - lower)), (at_ + (keep_lower_ ? lower : upper)) / 2};
    }
    Count(part, zero_count);
  }

 private:
  void Count(const Part& part, double* stored) {
    count_ += part.count;
    sum_ += part.middle * part.count;
    if (*stored == part.count) return;
    *stored = part.count;
    changed_ = true;
  }

  // Of a bucket that holds the value.
  Part Split(const HistogramBucket& b, bool positive) const {
    if (b.lower == -kInf) return SplitWithoutLower(b);
    if (b.upper == kInf) return SplitWithoutUpper(b);
    const double below = CountBelow(b, positive);
    if (keep_lower_) return {below, Middle(b.lower, at_, positive)};
    return {b.count - below, Middle(at_, b.upper, positive)};
  }

  Part SplitWithoutLower(const HistogramBucket& b) const {
    const bool zero_is_inside = b.upper > 0 && b.upper != kInf;
    if (keep_lower_) {
      if (at_ >= b.upper) return {b.count, 0};
      if (at_ > 0 && zero_is_inside) return {b.count * at_ / b.upper, at_ / 2};
      if (b.upper <= 0) return {b.count, at_};
    } else {
      if (at_ <= b.lower) return {b.count, 0};
      if (at_ >= 0 && b.upper > at_ && b.upper != kInf) {
        return {b.count * (1 - at_ / b.upper), (at_ + b.upper) / 2};
      }
    }
    return {0, ZeroIfInfinite(b.upper)};
  }

  Part SplitWithoutUpper(const HistogramBucket& b) const {
    if (!keep_lower_ && at_ >= b.lower) return {b.count, at_};
    return {0, ZeroIfInfinite(b.lower)};
  }

  double CountBelow(const HistogramBucket& b, bool positive) const {
    if (at_ <= b.lower) return 0;
    if (at_ >= b.upper) return b.count;
    if (linear_) return b.count * ((at_ - b.lower) / (b.upper - b.lower));
    const double log_lower = std::log2(std::fabs(b.lower));
    const double log_upper = std::log2(std::fabs(b.upper));
    const double log_at = std::log2(std::fabs(at_));
    const double fraction = positive ? (log_at - log_lower) / (log_upper - log_lower)
                                     : 1 - (log_at - log_upper) / (log_lower - log_upper);
    return b.count * fraction;
  }

  // What stands for the observations between two bounds: the arithmetic or geometric mean.
  double Middle(double lower, double upper, bool positive) const {
    if (std::isinf(lower)) {
      if (std::isinf(upper)) return 0;
      return upper > 0 ? upper / 2 : upper;
    }
    if (std::isinf(upper)) return lower;
    if (linear_) return (lower + upper) / 2;
    const double mean = std::sqrt(std::fabs(lower * upper));
    return positive ? mean : -mean;
  }

  double at_;
  bool keep_lower_;
  bool linear_;
  bool has_positive_ = false;
  bool has_negative_ = false;
  double count_ = 0;
  double sum_ = 0;
  bool changed_ = false;
};

}  // namespace

void FloatHistogram::TrimBuckets(double rhs, bool keep_lower) {
  Trimmer trimmer(rhs, keep_lower, UsesCustomBuckets());
  trimmer.TrimSide(PositiveBuckets(), true, &positive_buckets);
  trimmer.TrimSide(NegativeBuckets(), false, &negative_buckets);
  trimmer.TrimZeroBucket(zero_threshold, &zero_count);
  if (!trimmer.changed()) return;
  count = trimmer.count();
  sum = trimmer.sum();
  Compact(0);
}

}  // namespace deucalion
