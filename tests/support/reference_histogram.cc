#include "tests/support/reference_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace deucalion::testing_support {
namespace {

const double kInf = std::numeric_limits<double>::infinity();

using Buckets = std::map<int, double>;

double ExponentialBound(int index, int schema) { return std::exp2(std::ldexp(index, -schema)); }

RefBucket PositiveBucket(const RefHistogram& h, int index, double count) {
  if (!h.custom) {
    return {ExponentialBound(index - 1, h.schema), ExponentialBound(index, h.schema), count};
  }
  const int n = static_cast<int>(h.bounds.size());
  return {index == 0 ? -kInf : h.bounds[static_cast<size_t>(index) - 1],
          index < n ? h.bounds[static_cast<size_t>(index)] : kInf, count};
}

RefBucket NegativeBucket(const RefHistogram& h, int index, double count) {
  return {-ExponentialBound(index, h.schema), -ExponentialBound(index - 1, h.schema), count};
}

// A zero bucket that reaches as far as `threshold`, and further where a bucket that counted
// something would be cut.
RefHistogram WithWiderZero(RefHistogram h, double threshold) {
  if (threshold <= h.zero_threshold) return h;
  for (bool moved = true; moved;) {
    moved = false;
    for (const Buckets* side : {&h.positive, &h.negative}) {
      for (const auto& [index, count] : *side) {
        const double lower = ExponentialBound(index - 1, h.schema);
        const double upper = ExponentialBound(index, h.schema);
        if (count == 0 || lower >= threshold || upper <= threshold) continue;
        threshold = upper;
        moved = true;
      }
    }
  }
  h.zero_threshold = threshold;
  for (Buckets* side : {&h.positive, &h.negative}) {
    std::erase_if(*side, [&](const auto& bucket) {
      if (ExponentialBound(bucket.first - 1, h.schema) >= threshold) return false;
      h.zero_count += bucket.second;
      return true;
    });
  }
  return h;
}

// What is left to add of buckets that partly went into a zero bucket of this width.
Buckets Above(const Buckets& buckets, int schema, double threshold) {
  Buckets out;
  for (const auto& [index, count] : buckets) {
    if (ExponentialBound(index, schema) > threshold) out[index] = count;
  }
  return out;
}

Buckets Reduced(const Buckets& buckets, int by) {
  Buckets out;
  // 2^by buckets become one, and a bucket is known by its upper bound.
  for (const auto& [index, count] : buckets) {
    out[static_cast<int>(std::ceil(std::ldexp(index, -by)))] += count;
  }
  return out;
}

void AddTo(Buckets* sum, const Buckets& other, double sign) {
  for (const auto& [index, count] : other) (*sum)[index] += sign * count;
}

std::vector<double> SharedBounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out;
  for (double bound : a) {
    if (std::ranges::find(b, bound) != b.end()) out.push_back(bound);
  }
  return out;
}

// The same observations between fewer bounds.
Buckets Between(const RefHistogram& h, const std::vector<double>& bounds) {
  Buckets out;
  for (const auto& [index, count] : h.positive) {
    const double upper = PositiveBucket(h, index, 0).upper;
    int target = 0;
    while (target < static_cast<int>(bounds.size()) &&
           bounds[static_cast<size_t>(target)] < upper) {
      ++target;
    }
    out[target] += count;
  }
  return out;
}

RefHint HintOfSum(RefHint a, RefHint b) {
  if (a == b) return a;
  return a == RefHint::kGauge || b == RefHint::kGauge ? RefHint::kGauge : RefHint::kUnknown;
}

// Whether a bucket went down or is gone.
bool Fell(const Buckets& before, const Buckets& now) {
  return std::ranges::any_of(before, [&](const auto& bucket) {
    const auto it = now.find(bucket.first);
    return it == now.end() ? bucket.second != 0 : it->second < bucket.second;
  });
}

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool SameBuckets(const Buckets& a, const Buckets& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.first == y.first && SameBits(x.second, y.second);
  });
}

}  // namespace

std::vector<RefBucket> RefAllBuckets(const RefHistogram& h) {
  std::vector<RefBucket> out;
  for (auto it = h.negative.rbegin(); it != h.negative.rend(); ++it) {
    RefBucket b = NegativeBucket(h, it->first, it->second);
    b.upper = std::min(b.upper, -h.zero_threshold);
    out.push_back(b);
  }
  if (h.zero_count > 0) out.push_back({-h.zero_threshold, h.zero_threshold, h.zero_count});
  for (const auto& [index, count] : h.positive) {
    RefBucket b = PositiveBucket(h, index, count);
    if (!h.custom) b.lower = std::max(b.lower, h.zero_threshold);
    out.push_back(b);
  }
  return out;
}

std::optional<RefHistogram> RefAdd(const RefHistogram& a, const RefHistogram& b, double sign) {
  if (a.custom != b.custom) return std::nullopt;
  RefHistogram out = a;
  if (a.custom) {
    if (a.bounds != b.bounds) {
      out.bounds = SharedBounds(a.bounds, b.bounds);
      out.positive = Between(a, out.bounds);
      AddTo(&out.positive, Between(b, out.bounds), sign);
      std::erase_if(out.positive, [](const auto& bucket) { return bucket.second == 0; });
    } else {
      AddTo(&out.positive, b.positive, sign);
    }
  } else {
    RefHistogram other = b;
    while (out.zero_threshold != other.zero_threshold) {
      other = WithWiderZero(other, out.zero_threshold);
      // Making room in the sum drops its empty buckets.
      if (other.zero_threshold > out.zero_threshold) {
        out = RefCompact(WithWiderZero(out, other.zero_threshold));
      }
    }
    out.zero_count += sign * other.zero_count;
    // Prometheus takes the buckets of the other before they went into its zero bucket: some count
    // twice when the resolution is lowered at the same time.
    other.positive = b.positive;
    other.negative = b.negative;
    const int schema = std::min(out.schema, other.schema);
    out = RefReduce(out, schema);
    other = RefReduce(other, schema);
    AddTo(&out.positive, Above(other.positive, schema, out.zero_threshold), sign);
    AddTo(&out.negative, Above(other.negative, schema, out.zero_threshold), sign);
  }
  out.hint = HintOfSum(a.hint, b.hint);
  out.count = a.count + sign * b.count;
  out.sum = a.sum + sign * b.sum;
  return out;
}

RefHistogram RefMultiply(RefHistogram h, double factor) {
  h.zero_count *= factor;
  h.count *= factor;
  h.sum *= factor;
  for (Buckets* side : {&h.positive, &h.negative}) {
    for (auto& [index, count] : *side) count *= factor;
  }
  if (factor < 0) h.hint = RefHint::kGauge;
  return h;
}

RefHistogram RefDivide(RefHistogram h, double divisor) {
  h.zero_count /= divisor;
  h.count /= divisor;
  h.sum /= divisor;
  for (Buckets* side : {&h.positive, &h.negative}) {
    if (divisor == 0) side->clear();
    for (auto& [index, count] : *side) count /= divisor;
  }
  if (divisor < 0) h.hint = RefHint::kGauge;
  return h;
}

RefHistogram RefCompact(RefHistogram h) {
  for (Buckets* side : {&h.positive, &h.negative}) {
    std::erase_if(*side, [](const auto& bucket) { return bucket.second == 0; });
  }
  return h;
}

RefHistogram RefReduce(RefHistogram h, int schema) {
  if (h.custom || schema >= h.schema) return h;
  h.positive = Reduced(h.positive, h.schema - schema);
  h.negative = Reduced(h.negative, h.schema - schema);
  h.schema = schema;
  return h;
}

bool RefDetectReset(const RefHistogram& before, const RefHistogram& now) {
  if (now.hint == RefHint::kReset) return true;
  if (now.hint == RefHint::kNotReset) return false;
  if (now.count < before.count || now.custom != before.custom) return true;
  if (now.custom) {
    if (now.bounds == before.bounds) return Fell(before.positive, now.positive);
    // A bucket without observations is one of zero here.
    const std::vector<double> bounds = SharedBounds(now.bounds, before.bounds);
    const Buckets sums = Between(now, bounds), old = Between(before, bounds);
    for (int i = 0; i <= static_cast<int>(bounds.size()); ++i) {
      const auto have = sums.find(i), had = old.find(i);
      if ((have == sums.end() ? 0 : have->second) < (had == old.end() ? 0 : had->second)) {
        return true;
      }
    }
    return false;
  }
  // Resolution only ever gets lower, and the zero bucket wider, without a reset.
  if (now.schema > before.schema || now.zero_threshold < before.zero_threshold) return true;
  const RefHistogram wide = WithWiderZero(before, now.zero_threshold);
  if (wide.zero_threshold != now.zero_threshold || now.zero_count < wide.zero_count) return true;
  const RefHistogram old = RefReduce(before, now.schema);
  const double from = now.zero_threshold;
  return Fell(Above(old.positive, now.schema, from), Above(now.positive, now.schema, from)) ||
         Fell(Above(old.negative, now.schema, from), Above(now.negative, now.schema, from));
}

bool RefSame(const RefHistogram& a, const RefHistogram& b) {
  return a.custom == b.custom && a.schema == b.schema && a.bounds == b.bounds &&
         a.zero_threshold == b.zero_threshold && SameBits(a.zero_count, b.zero_count) &&
         SameBits(a.count, b.count) && SameBits(a.sum, b.sum) &&
         SameBuckets(a.positive, b.positive) && SameBuckets(a.negative, b.negative);
}

std::optional<RefHistogram> RefBetween(const RefHistogram& a, const RefHistogram& b,
                                       double fraction, bool counter) {
  if (fraction == 0) return a;
  if (fraction == 1) return b;
  if (counter && RefDetectReset(a, b)) return RefMultiply(b, fraction);
  const std::optional<RefHistogram> change = RefAdd(b, a, -1);
  return change ? RefAdd(RefMultiply(*change, fraction), a, 1) : std::nullopt;
}

namespace {

bool HoldsZero(const RefBucket& b) { return b.lower <= 0 && b.upper >= 0; }

struct Part {
  double count = 0;
  double middle = 0;  // where its observations are taken to be
};

// Of custom buckets, and of the zero bucket, observations are spread evenly, of the others evenly
// on a logarithmic scale.
double ShareBelow(const RefBucket& b, double at, bool linear) {
  if (at <= b.lower) return 0;
  if (at >= b.upper) return 1;
  if (linear) return (at - b.lower) / (b.upper - b.lower);
  const double lower = std::log2(std::abs(b.lower)), upper = std::log2(std::abs(b.upper));
  return (std::log2(std::abs(at)) - lower) / (upper - lower);
}

double Middle(double lower, double upper, bool linear) {
  if (linear) return (lower + upper) / 2;
  return std::copysign(std::sqrt(lower * upper), upper > 0 ? 1 : -1);
}

// Zero is where observations without a lower bound begin, if it lies below the upper one. Otherwise
// nothing is known of where they are: then only a whole bucket can be kept.
Part KeptOfFirst(const RefBucket& b, double at, bool keep_lower) {
  const bool all = keep_lower ? at >= b.upper : at == -kInf;
  if (all) return {b.count, b.upper > 0 ? b.upper / 2 : b.upper};
  if (at == -kInf) return {};
  if (b.upper <= 0) return keep_lower ? Part{b.count, at} : Part{};
  if (keep_lower) return at > 0 ? Part{b.count * at / b.upper, at / 2} : Part{};
  if (at < 0 || at >= b.upper) return {};
  return {b.count * (1 - at / b.upper), (at + b.upper) / 2};
}

Part KeptOfLast(const RefBucket& b, double at, bool keep_lower) {
  if (keep_lower) return at == kInf ? Part{b.count, b.lower} : Part{};
  if (at == kInf) return {};
  return {b.count, std::max(at, b.lower)};
}

Part Kept(const RefBucket& b, double at, bool keep_lower, bool linear) {
  const bool no_lower = std::isinf(b.lower), no_upper = std::isinf(b.upper);
  if (no_lower && no_upper) {
    const bool all = keep_lower ? at == kInf : at == -kInf;
    return all ? Part{b.count, 0} : Part{};
  }
  if (no_lower) return KeptOfFirst(b, at, keep_lower);
  if (no_upper) return KeptOfLast(b, at, keep_lower);
  if (std::isnan(at) && !HoldsZero(b)) return {};
  const double share = ShareBelow(b, at, linear);
  const double from = keep_lower ? b.lower : std::clamp(at, b.lower, b.upper);
  const double to = keep_lower ? std::clamp(at, b.lower, b.upper) : b.upper;
  return {b.count * (keep_lower ? share : 1 - share), Middle(from, to, linear)};
}

}  // namespace

RefHistogram RefTrim(const RefHistogram& h, double at, bool keep_lower) {
  RefHistogram out = h;
  out.count = out.sum = 0;
  bool changed = false, above = false, below = false;
  const auto keep = [&](double* count, const Part& part) {
    changed = changed || part.count != *count;
    *count = part.count;
    out.count += part.count;
    if (part.count != 0) out.sum += part.count * part.middle;
  };
  for (auto& [index, count] : out.positive) {
    if (count == 0) continue;
    above = true;
    keep(&count, Kept(PositiveBucket(h, index, count), at, keep_lower, h.custom));
  }
  for (auto& [index, count] : out.negative) {
    if (count == 0) continue;
    below = true;
    keep(&count, Kept(NegativeBucket(h, index, count), at, keep_lower, false));
  }
  if (h.zero_count > 0) {
    // With observations on one side only, those near zero are taken to be on that side too.
    RefBucket zero{-h.zero_threshold, h.zero_threshold, h.zero_count};
    if (above && !below) zero.lower = 0;
    if (below && !above) zero.upper = 0;
    keep(&out.zero_count, Kept(zero, at, keep_lower, true));
  }
  return changed ? RefCompact(out) : h;
}

}  // namespace deucalion::testing_support
