// Native histograms in the reference evaluator: buckets in a map by their index, and every
// operation over all of them, written down as the documentation says it.
//
// A bucket counted zero is kept in the map while Prometheus would keep it: == and changes() see the
// difference.
#ifndef DEUCALION_TESTS_SUPPORT_REFERENCE_HISTOGRAM_H_
#define DEUCALION_TESTS_SUPPORT_REFERENCE_HISTOGRAM_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace deucalion::testing_support {

enum class RefHint { kUnknown, kReset, kNotReset, kGauge };

struct RefHistogram {
  RefHint hint = RefHint::kUnknown;
  bool custom = false;
  int schema = 0;  // exponential only: 2^schema buckets per power of two
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  // Exponential: index i ends at 2^(i / 2^schema). Custom: index i ends at bounds[i], the one after
  // the last bound at +Inf.
  std::map<int, double> positive, negative;
  std::vector<double> bounds;  // custom only
};
using RefHistogramPtr = std::shared_ptr<const RefHistogram>;

struct RefBucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
};

// From the lowest to the highest value, the zero bucket among them when it counted something.
std::vector<RefBucket> RefAllBuckets(const RefHistogram& h);

// a + sign * b. Nothing when one has exponential and the other custom buckets.
std::optional<RefHistogram> RefAdd(const RefHistogram& a, const RefHistogram& b, double sign);
RefHistogram RefMultiply(RefHistogram h, double factor);
RefHistogram RefDivide(RefHistogram h, double divisor);
// Without the buckets that are empty.
RefHistogram RefCompact(RefHistogram h);
// Exponential only. Nothing happens when the schema is not lower than the present one.
RefHistogram RefReduce(RefHistogram h, int schema);
// What lies above (`keep_lower`) or below `at` taken away.
RefHistogram RefTrim(const RefHistogram& h, double at, bool keep_lower);
// Whether the counter began anew between the two.
bool RefDetectReset(const RefHistogram& before, const RefHistogram& now);
// All but the hint.
bool RefSame(const RefHistogram& a, const RefHistogram& b);
// On the way from a to b; a counter that was reset in between comes from zero.
std::optional<RefHistogram> RefBetween(const RefHistogram& a, const RefHistogram& b,
                                       double fraction, bool counter);

// reference_histogram_functions.cc
double RefHistogramQuantile(const RefHistogram& h, double q);
double RefHistogramFraction(const RefHistogram& h, double lower, double upper);
double RefHistogramVariance(const RefHistogram& h);

}  // namespace deucalion::testing_support

#endif  // DEUCALION_TESTS_SUPPORT_REFERENCE_HISTOGRAM_H_
