// Quantiles, fractions and spread of histograms, classic and native, as promql/quantile.go of
// Prometheus computes them. Pure functions; what annotations need is part of the answer.
//
// Inside a bucket observations are assumed to be spread evenly: on a logarithmic scale in
// exponential buckets, linearly in classic, custom and zero buckets.
#ifndef DEUCALION_PROMQL_FUNCTIONS_HISTOGRAM_MATH_H_
#define DEUCALION_PROMQL_FUNCTIONS_HISTOGRAM_MATH_H_

#include <vector>

#include "model/histogram.h"

namespace deucalion::promql {

// One bucket of a classic histogram: `count` observations up to `upper_bound`.
struct ClassicBucket {
  double upper_bound = 0;
  double count = 0;
};

// Cumulative counts must not fall. Where they did, they were raised to the count before.
struct MonotonicityFix {
  bool forced = false;  // by more than floating-point noise: worth an annotation
  bool small_deltas = false;
  // Over the buckets that were forced; infinities the wrong way round when none was.
  double min_bucket = 0;
  double max_bucket = 0;
  double max_diff = 0;
};

struct BucketQuantileResult {
  double value = 0;
  MonotonicityFix fix;
};

// NaN without buckets, without a +Inf bucket, without observations and for q NaN; -Inf for q < 0,
// +Inf for q > 1. Sorts and repairs *buckets; bounds may repeat (their counts add up).
BucketQuantileResult BucketQuantile(double q, std::vector<ClassicBucket>* buckets);
// The share of observations between `lower` and `upper`. Same conditions; not repaired.
double BucketFraction(double lower, double upper, std::vector<ClassicBucket>* buckets);

struct HistogramQuantileResult {
  double value = 0;
  bool nan_result = false;  // NaN because observations of NaN are what the rank falls on
  bool nan_skew = false;    // observations of NaN push the result upwards
};
HistogramQuantileResult HistogramQuantile(double q, const FloatHistogram& h);

struct HistogramFractionResult {
  double value = 0;
  bool has_nan = false;  // there were observations of NaN; they are in no fraction
};
HistogramFractionResult HistogramFraction(double lower, double upper, const FloatHistogram& h);

// Estimated from the middles of the buckets.
double HistogramStdvar(const FloatHistogram& h);
double HistogramStddev(const FloatHistogram& h);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_FUNCTIONS_HISTOGRAM_MATH_H_
