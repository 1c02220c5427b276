#include "promql/functions/histogram_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace deucalion::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

using Buckets = std::vector<ClassicBucket>;

double QuantileOf(double q, Buckets buckets) { return BucketQuantile(q, &buckets).value; }
double FractionOf(double lower, double upper, Buckets buckets) {
  return BucketFraction(lower, upper, &buckets);
}

// `want` may be NaN.
void ExpectNear(double got, double want, const std::string& what) {
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << what << ": " << got;
  } else if (std::isinf(want)) {
    EXPECT_EQ(got, want) << what;
  } else {
    EXPECT_NEAR(got, want, 1e-12) << what;
  }
}

FloatHistogram Exponential(std::vector<double> positive, std::vector<double> negative = {},
                           double zero = 0) {
  FloatHistogram h;
  if (!positive.empty()) h.positive_spans = {{1, static_cast<uint32_t>(positive.size())}};
  if (!negative.empty()) h.negative_spans = {{1, static_cast<uint32_t>(negative.size())}};
  h.positive_buckets = std::move(positive);
  h.negative_buckets = std::move(negative);
  h.zero_threshold = 0.5;
  h.zero_count = zero;
  for (const HistogramBucket& b : h.AllBuckets()) h.count += b.count;
  return h;
}

FloatHistogram Custom(std::vector<double> bounds, std::vector<double> buckets) {
  FloatHistogram h;
  h.schema = kCustomBucketsSchema;
  h.custom_values = std::move(bounds);
  h.positive_spans = {{0, static_cast<uint32_t>(buckets.size())}};
  for (const double b : buckets) h.count += b;
  h.positive_buckets = std::move(buckets);
  return h;
}

TEST(BucketQuantileTest, InterpolatesLinearly) {
  const Buckets simple = {{10, 10}, {15, 10}, {20, 15}, {30, 15}, {kInf, 15}};
  const struct {
    double q;
    Buckets buckets;
    double want;
  } cases[] = {
      {0.5, simple, 7.5},
      {0, simple, 0},
      {1, simple, 20},
      {0.9, simple, 18.5},
      {0.5, {{kInf, 4}, {2, 1}, {1, 0}}, 2},  // in the last bucket: its lower bound
      {0.1, {{-1, 4}, {1, 4}, {kInf, 4}}, -1},
      {0.5, {{1, 1}, {1, 1}, {3, 4}, {kInf, 4}}, 1},
      {0.5, {{1, 1}, {2, 2}}, kNan},
      {0.5, {{kInf, 2}}, kNan},
      {0.5, {{1, 0}, {kInf, 0}}, kNan},
      {0.5, {}, kNan},
      {kNan, simple, kNan},
      {-0.1, simple, -kInf},
      {1.1, simple, kInf},
  };
  for (const auto& c : cases) ExpectNear(QuantileOf(c.q, c.buckets), c.want, std::to_string(c.q));
}

TEST(BucketQuantileTest, RaisesCountsThatFallAndSaysSo) {
  Buckets buckets = {{1, 5}, {2, 3}, {4, 10}, {8, 9}, {kInf, 12}};
  const BucketQuantileResult got = BucketQuantile(0.5, &buckets);
  EXPECT_TRUE(got.fix.forced);
  EXPECT_FALSE(got.fix.small_deltas);
  EXPECT_EQ(got.fix.min_bucket, 2);
  EXPECT_EQ(got.fix.max_bucket, 8);
  EXPECT_EQ(got.fix.max_diff, 2);
  EXPECT_DOUBLE_EQ(got.value, 2 + 2 * (1.0 / 5));
  buckets = {{1, 5}, {2, 5 * (1 - 1e-15)}, {kInf, 12}};
  const BucketQuantileResult noise = BucketQuantile(0.5, &buckets);
  EXPECT_FALSE(noise.fix.forced);
  EXPECT_TRUE(noise.fix.small_deltas);
}

TEST(BucketFractionTest, IsTheInverseOfTheQuantile) {
  const Buckets buckets = {{1, 2}, {2, 6}, {4, 7}, {kInf, 8}};
  for (const double q : {0.1, 0.25, 0.5, 0.7, 0.8}) {
    EXPECT_NEAR(FractionOf(-kInf, QuantileOf(q, buckets), buckets), q, 1e-12);
  }
  EXPECT_EQ(FractionOf(-kInf, kInf, buckets), 1);
  EXPECT_EQ(FractionOf(1, 2, buckets), 0.5);
  EXPECT_EQ(FractionOf(2, 1, buckets), 0);
  EXPECT_TRUE(std::isnan(FractionOf(kNan, 1, buckets)));
  EXPECT_TRUE(std::isnan(FractionOf(0, 1, {{1, 2}})));
  EXPECT_EQ(FractionOf(-kInf, -1, {{-1, 2}, {kInf, 4}}), 0.5);
}

TEST(HistogramQuantileTest, InterpolatesByKindOfBucket) {
  const struct {
    const char* what;
    double q;
    FloatHistogram h;
    double want;
  } cases[] = {
      {"exponential", 0.5, Exponential({4}), std::sqrt(2)},  // (1,2]
      {"exponential, upper half", 0.75, Exponential({2, 2}), std::sqrt(8)},
      {"negative", 0.5, Exponential({}, {4}), -std::sqrt(2)},
      {"zero bucket alone", 0.25, Exponential({}, {}, 4), -0.25},
      {"zero bucket beside positive ones", 0.25, Exponential({4}, {}, 4), 0.25},
      {"zero bucket beside negative ones", 0.75, Exponential({}, {4}, 4), -0.25},
      {"custom", 0.5, Custom({10, 20}, {1, 2, 1}), 15},
      {"first custom", 0.1, Custom({10, 20}, {5, 0, 5}), 2},
      {"first custom, negative", 0.1, Custom({-10, 20}, {5, 0, 5}), -10},
      {"last custom", 0.9, Custom({10, 20}, {5, 0, 5}), 20},
      {"nothing", 0.5, FloatHistogram(), kNan},
      {"below", -1, Exponential({4}), -kInf},
      {"above", 2, Exponential({4}), kInf},
      {"q is NaN", kNan, Exponential({4}), kNan},
  };
  for (const auto& c : cases) ExpectNear(HistogramQuantile(c.q, c.h).value, c.want, c.what);
}

TEST(HistogramQuantileTest, TellsOfNanObservations) {
  FloatHistogram h = Exponential({4});
  h.count = 5;
  h.sum = kNan;
  const HistogramQuantileResult skewed = HistogramQuantile(0.4, h);
  EXPECT_TRUE(skewed.nan_skew);
  EXPECT_DOUBLE_EQ(skewed.value, std::sqrt(2));
  const HistogramQuantileResult lost = HistogramQuantile(0.9, h);
  EXPECT_TRUE(lost.nan_result);
  EXPECT_TRUE(std::isnan(lost.value));
  h.count = 4;  // infinities make the sum NaN as well
  EXPECT_FALSE(HistogramQuantile(0.4, h).nan_skew);
  const HistogramFractionResult all = HistogramFraction(-kInf, kInf, h);
  EXPECT_EQ(all.value, 1);
  EXPECT_FALSE(all.has_nan);
  h.count = 5;
  const HistogramFractionResult most = HistogramFraction(-kInf, kInf, h);
  EXPECT_EQ(most.value, 0.8);
  EXPECT_TRUE(most.has_nan);
}

TEST(HistogramFractionTest, IsTheInverseOfTheQuantile) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; i++) {
    std::vector<double> positive(random() % 4), negative(random() % 4);
    for (auto* side : {&positive, &negative}) {
      for (double& b : *side) b = 1 + random() % 9;
    }
    const FloatHistogram h = i % 4 == 0 ? Custom({1, 2, 5}, {1.0 + random() % 5, 2, 3})
                                        : Exponential(positive, negative, 1 + random() % 5);
    const double q = (1 + random() % 98) / 100.0;
    const double value = HistogramQuantile(q, h).value;
    EXPECT_NEAR(HistogramFraction(-kInf, value, h).value, q, 1e-9)
        << h.TestExpression() << " " << q;
  }
  EXPECT_EQ(HistogramFraction(1, 1, Exponential({4})).value, 0);
  EXPECT_EQ(HistogramFraction(1, 2, Exponential({1, 3})).value, 0.25);
  EXPECT_TRUE(std::isnan(HistogramFraction(0, 1, FloatHistogram()).value));
}

TEST(HistogramStddevTest, UsesTheMiddleOfEachBucket) {
  FloatHistogram h = Exponential({2, 2}, {}, 1);  // sqrt 2, sqrt 8, 0
  h.sum = 10;
  const double mean = 2;
  const double want = (2 * std::pow(std::sqrt(2) - mean, 2) + 2 * std::pow(std::sqrt(8) - mean, 2) +
                       std::pow(0 - mean, 2)) /
                      5;
  EXPECT_NEAR(HistogramStdvar(h), want, 1e-12);
  EXPECT_NEAR(HistogramStddev(h), std::sqrt(want), 1e-12);
  FloatHistogram custom = Custom({0, 10, 20}, {0, 1, 1});
  custom.sum = 20;
  EXPECT_EQ(HistogramStdvar(custom), 25);
  EXPECT_TRUE(std::isnan(HistogramStdvar(FloatHistogram())));
}

}  // namespace
}  // namespace deucalion::promql
