#include "model/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "model/value.h"

namespace deucalion {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

FloatHistogram Exponential(int32_t schema, std::vector<BucketSpan> spans,
                           std::vector<double> buckets) {
  FloatHistogram h;
  h.schema = schema;
  h.positive_spans = std::move(spans);
  h.positive_buckets = std::move(buckets);
  for (const double b : h.positive_buckets) h.count += b;
  return h;
}

FloatHistogram Custom(std::vector<double> bounds, std::vector<double> buckets) {
  FloatHistogram h =
      Exponential(kCustomBucketsSchema, {{0, static_cast<uint32_t>(buckets.size())}}, buckets);
  h.custom_values = std::move(bounds);
  return h;
}

// Bucket counts by index, the obvious way.
std::map<int, double> ByIndex(const std::vector<BucketSpan>& spans,
                              const std::vector<double>& buckets) {
  std::map<int, double> out;
  int index = 0;
  size_t i = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t k = 0; k < span.length; k++) out[index++] += buckets[i++];
  }
  return out;
}

std::map<int, double> WithoutEmpty(std::map<int, double> m) {
  std::erase_if(m, [](const auto& e) { return e.second == 0; });
  return m;
}

FloatHistogram RandomHistogram(std::mt19937& random, int32_t schema) {
  FloatHistogram h;
  h.schema = schema;
  const auto side = [&](std::vector<BucketSpan>* spans, std::vector<double>* buckets) {
    const size_t n = random() % 4;
    for (size_t i = 0; i < n; i++) {
      spans->push_back(
          {i == 0 ? static_cast<int32_t>(random() % 12) - 6 : static_cast<int32_t>(random() % 4),
           static_cast<uint32_t>(random() % 4)});
      for (uint32_t k = 0; k < spans->back().length; k++) {
        buckets->push_back(random() % 3 == 0 ? 0 : random() % 100);
        h.count += buckets->back();
      }
    }
  };
  side(&h.positive_spans, &h.positive_buckets);
  side(&h.negative_spans, &h.negative_buckets);
  h.zero_count = random() % 5;
  h.count += h.zero_count;
  h.sum = static_cast<double>(random() % 1000) - 500;
  return h;
}

TEST(ExponentialBoundTest, FollowsPowersOfTwo) {
  const struct {
    int32_t index, schema;
    double want;
  } cases[] = {{0, 0, 1},
               {1, 0, 2},
               {-1, 0, .5},
               {0, 8, 1},
               {256, 8, 2},
               {1, 1, 1.414213562373095},
               {1, -1, 4},
               {-1, -4, std::ldexp(1, -16)},
               {1024, 0, std::numeric_limits<double>::max()},
               {1025, 0, kInf},
               {64, -4, std::numeric_limits<double>::max()},
               {65, -4, kInf},
               {1024 << 8, 8, std::numeric_limits<double>::max()},
               {-1074, 0, 5e-324},
               {-5000, 0, 0},
               {std::numeric_limits<int32_t>::max(), -4, kInf},
               {std::numeric_limits<int32_t>::min(), -4, 0},
               {1 << 20, 20, 2}};
  for (const auto& c : cases) EXPECT_EQ(ExponentialBound(c.index, c.schema), c.want) << c.index;
  for (int32_t schema = 0; schema <= 8; schema++) {
    for (int32_t i = 1; i < 1 << schema; i++) {
      const double bound = ExponentialBound(i, schema);
      EXPECT_GT(bound, ExponentialBound(i - 1, schema));
      EXPECT_NEAR(bound / std::exp2(std::ldexp(i, -schema)), 1, 5e-16);
    }
  }
}

TEST(HistogramTextTest, PrintsBucketsAscending) {
  FloatHistogram h = Exponential(0, {{0, 1}, {1, 1}}, {2, 4});
  h.negative_spans = {{1, 2}};
  h.negative_buckets = {1.5, 3};
  h.zero_count = 1;
  h.zero_threshold = 0.001;
  h.count = 11.5;
  h.sum = -7;
  EXPECT_EQ(h.ToString(),
            "{count:11.5, sum:-7, [-4,-2):3, [-2,-1):1.5, [-0.001,0.001]:1, (0.5,1]:2, (2,4]:4}");
  EXPECT_EQ(h.TestExpression(),
            "{{count:11.5 sum:-7 z_bucket:1 z_bucket_w:0.001 buckets:[2 0 4] n_offset:1 "
            "n_buckets:[1.5 3]}}");
  EXPECT_EQ(FloatHistogram().ToString(), "{count:0, sum:0}");
  EXPECT_EQ(FloatHistogram().TestExpression(), "{{}}");
  FloatHistogram custom = Custom({5, 10}, {1, 0, 3});
  custom.reset_hint = ResetHint::kNotReset;
  EXPECT_EQ(custom.ToString(), "{count:4, sum:0, [-Inf,5]:1, (10,+Inf]:3}");
  EXPECT_EQ(custom.TestExpression(),
            "{{schema:-53 count:4 custom_values:[5 10] counter_reset_hint:not_reset buckets:[1 0 "
            "3]}}");
}

TEST(HistogramBucketsTest, OverlapWithTheZeroBucketIsCutOff) {
  FloatHistogram h = Exponential(0, {{0, 2}}, {1, 2});
  h.negative_spans = {{0, 1}};
  h.negative_buckets = {3};
  h.zero_threshold = 0.75;
  h.zero_count = 4;
  const std::vector<HistogramBucket> want = {{-1, -0.75, true, false, 3, 0},
                                             {-0.75, 0.75, true, true, 4, 0},
                                             {0.75, 1, false, true, 1, 0},
                                             {1, 2, false, true, 2, 1}};
  EXPECT_EQ(h.AllBuckets(), want);
  EXPECT_EQ(h.PositiveBuckets()[0].lower, 0.5);
  EXPECT_EQ(h.NegativeBuckets()[0].upper, -0.5);
}

TEST(HistogramCompactTest, RemovesAndFillsGaps) {
  const struct {
    int max_empty;
    std::vector<BucketSpan> spans;
    std::vector<double> buckets;
    std::vector<BucketSpan> want_spans;
    std::vector<double> want_buckets;
  } cases[] = {
      {0, {}, {}, {}, {}},
      {0, {{-2, 1}, {2, 3}}, {1, 3, 3, 1}, {{-2, 1}, {2, 3}}, {1, 3, 3, 1}},
      {0, {{-2, 2}, {2, 0}, {3, 3}}, {1, 3, 3, 1, 2}, {{-2, 2}, {5, 3}}, {1, 3, 3, 1, 2}},
      {0,
       {{-4, 4}, {1, 2}, {1, 3}},
       {0, 0, 1, 0, 0, 2, 0, 0, 4},
       {{-2, 1}, {3, 1}, {3, 1}},
       {1, 2, 4}},
      {2, {{0, 7}}, {1, 0, 0, 2, 0, 0, 0}, {{0, 4}}, {1, 0, 0, 2}},
      {1, {{0, 4}, {1, 1}}, {1, 0, 0, 2, 3}, {{0, 1}, {2, 3}}, {1, 2, 0, 3}},
      {0, {{0, 2}, {0, 2}}, {1, 2, 3, 4}, {{0, 4}}, {1, 2, 3, 4}},
      {0, {{5, 2}}, {0, 0}, {}, {}},
  };
  for (const auto& c : cases) {
    FloatHistogram h = Exponential(0, c.spans, c.buckets);
    h.Compact(c.max_empty);
    EXPECT_EQ(h.positive_spans, c.want_spans);
    EXPECT_EQ(h.positive_buckets, c.want_buckets);
  }
}

TEST(HistogramCompactTest, IntegerAndFloatAgree) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; i++) {
    FloatHistogram f = RandomHistogram(random, 2);
    IntHistogram n;
    n.schema = f.schema;
    n.positive_spans = f.positive_spans;
    double last = 0;
    for (const double b : f.positive_buckets) {
      n.positive_buckets.push_back(static_cast<int64_t>(b - last));
      last = b;
    }
    const int max_empty = static_cast<int>(random() % 4);
    const auto before = WithoutEmpty(ByIndex(f.positive_spans, f.positive_buckets));
    if (random() % 2) {
      f.ReduceResolution(1);
      n.ReduceResolution(1);
      EXPECT_EQ(n.schema, 1);
    } else {
      f.Compact(max_empty);
      n.Compact(max_empty);
      EXPECT_EQ(WithoutEmpty(ByIndex(f.positive_spans, f.positive_buckets)), before);
    }
    const FloatHistogram back = n.ToFloat();
    EXPECT_EQ(back.positive_spans, f.positive_spans);
    EXPECT_EQ(back.positive_buckets, f.positive_buckets);
  }
}

TEST(HistogramReduceTest, MergesNeighbours) {
  FloatHistogram h = Exponential(1, {{-3, 6}}, {1, 2, 3, 4, 5, 6});
  h.ReduceResolution(0);
  EXPECT_EQ(h.positive_spans, (std::vector<BucketSpan>{{-1, 3}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{3, 7, 11}));
  h.ReduceResolution(3);
  EXPECT_EQ(h.schema, 0);
  FloatHistogram custom = Custom({1}, {1, 2});
  custom.ReduceResolution(-60);
  EXPECT_EQ(custom.schema, kCustomBucketsSchema);
}

TEST(HistogramAddTest, MergesLayoutsByIndex) {
  std::mt19937 random(2);
  for (int i = 0; i < 5000; i++) {
    const FloatHistogram a = RandomHistogram(random, 1), b = RandomHistogram(random, 1);
    const double sign = random() % 2 ? 1 : -1;
    FloatHistogram got = a;
    ASSERT_TRUE((sign > 0 ? got.Add(b) : got.Sub(b)).ok());
    auto want = ByIndex(a.positive_spans, a.positive_buckets);
    for (const auto& [index, count] : ByIndex(b.positive_spans, b.positive_buckets)) {
      want[index] += sign * count;
    }
    EXPECT_EQ(ByIndex(got.positive_spans, got.positive_buckets), want);
    EXPECT_EQ(got.count, a.count + sign * b.count);
    EXPECT_EQ(got.zero_count, a.zero_count + sign * b.zero_count);
    EXPECT_EQ(got.sum, a.sum + sign * b.sum);
  }
}

TEST(HistogramAddTest, LowerResolutionWins) {
  FloatHistogram fine = Exponential(1, {{1, 4}}, {1, 2, 3, 4});
  const FloatHistogram coarse = Exponential(0, {{1, 3}}, {10, 20, 30});
  FloatHistogram sum = fine;
  ASSERT_TRUE(sum.Add(coarse).ok());
  EXPECT_EQ(sum.schema, 0);
  EXPECT_EQ(sum.positive_buckets, (std::vector<double>{13, 27, 30}));
  FloatHistogram other_way = coarse;
  ASSERT_TRUE(other_way.Add(fine).ok());
  EXPECT_TRUE(sum.Equals(other_way));
}

TEST(HistogramAddTest, ZeroBucketsGrowUntilTheyAgree) {
  FloatHistogram wide = Exponential(0, {{2, 1}}, {5});
  wide.zero_threshold = 0.75;
  wide.zero_count = 3;
  FloatHistogram narrow = Exponential(0, {{-1, 3}}, {1, 2, 4});  // (.25,.5] (.5,1] (1,2]
  narrow.zero_threshold = 0.1;
  narrow.zero_count = 7;
  FloatHistogram a = wide;
  ASSERT_TRUE(a.Add(narrow).ok());
  // 0.75 lies in the populated (0.5,1], so the edge moves to 1.
  EXPECT_EQ(a.zero_threshold, 1);
  EXPECT_EQ(a.zero_count, 13);
  EXPECT_EQ(WithoutEmpty(ByIndex(a.positive_spans, a.positive_buckets)),
            (std::map<int, double>{{1, 4}, {2, 5}}));
  FloatHistogram b = narrow;
  ASSERT_TRUE(b.Add(wide).ok());
  EXPECT_EQ(b.zero_threshold, 1);
  EXPECT_EQ(b.zero_count, 13);
  FloatHistogram nan = narrow;
  nan.zero_threshold = std::nan("");
  EXPECT_TRUE(nan.Add(wide).ok());  // must end
}

TEST(HistogramAddTest, CustomBoundsIntersect) {
  FloatHistogram a = Custom({1, 2, 3, 5}, {1, 2, 4, 8, 16});
  const FloatHistogram b = Custom({2, 4, 5}, {32, 64, 128, 256});
  const auto result = a.Add(b);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->nhcb_bounds_reconciled);
  EXPECT_EQ(a.custom_values, (std::vector<double>{2, 5}));
  EXPECT_EQ(a.positive_buckets, (std::vector<double>{35, 204, 272}));
  FloatHistogram c = Custom({2, 5}, {35, 204, 272});
  const auto same = c.Sub(a);
  ASSERT_TRUE(same.ok());
  EXPECT_FALSE(same->nhcb_bounds_reconciled);
  EXPECT_EQ(c.positive_buckets, (std::vector<double>{0, 0, 0}));
}

TEST(HistogramAddTest, ExponentialAndCustomDoNotMix) {
  FloatHistogram a = Custom({1}, {1, 2});
  const auto result = a.Add(Exponential(0, {{0, 1}}, {1}));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().message(),
            "cannot apply this operation on histograms with a mix of exponential and custom bucket "
            "schemas");
}

TEST(HistogramAddTest, HintsOfTheSum) {
  using enum ResetHint;
  const struct {
    ResetHint a, b, want;
    bool collision;
  } cases[] = {{kUnknown, kUnknown, kUnknown, false}, {kReset, kReset, kReset, false},
               {kGauge, kReset, kGauge, false},       {kNotReset, kGauge, kGauge, false},
               {kUnknown, kReset, kUnknown, false},   {kNotReset, kUnknown, kUnknown, false},
               {kReset, kNotReset, kUnknown, true},   {kNotReset, kReset, kUnknown, true}};
  for (const auto& c : cases) {
    FloatHistogram a, b;
    a.reset_hint = c.a;
    b.reset_hint = c.b;
    const auto result = a.Add(b);
    EXPECT_EQ(a.reset_hint, c.want);
    EXPECT_EQ(result->counter_reset_collision, c.collision);
  }
}

TEST(HistogramKahanTest, KeepsWhatPlainAdditionLoses) {
  FloatHistogram sum = Exponential(0, {{0, 1}}, {1e100});
  sum.sum = 1e100;
  std::unique_ptr<FloatHistogram> c;
  FloatHistogram one = Exponential(0, {{0, 2}}, {1, 1});
  one.sum = 1;
  FloatHistogram minus = Exponential(0, {{0, 1}}, {-1e100});
  minus.sum = -1e100;
  for (const FloatHistogram* h : {&one, &one, &minus}) ASSERT_TRUE(sum.KahanAdd(*h, &c).ok());
  ASSERT_TRUE(sum.Add(*c).ok());
  EXPECT_EQ(sum.sum, 2);
  EXPECT_EQ(sum.positive_buckets, (std::vector<double>{2, 2}));
}

TEST(HistogramKahanTest, AgreesWithPlainAdditionOnWholeNumbers) {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; i++) {
    FloatHistogram plain = RandomHistogram(random, static_cast<int>(random() % 3));
    FloatHistogram compensated = plain;
    std::unique_ptr<FloatHistogram> c;
    for (int k = 0; k < 4; k++) {
      FloatHistogram next = RandomHistogram(random, static_cast<int>(random() % 3));
      next.zero_threshold = std::ldexp(1, static_cast<int>(random() % 4) - 3);
      ASSERT_TRUE(plain.Add(next).ok());
      ASSERT_TRUE(compensated.KahanAdd(next, &c).ok());
      ASSERT_EQ(c->positive_buckets.size(), compensated.positive_buckets.size());
      ASSERT_EQ(c->negative_buckets.size(), compensated.negative_buckets.size());
    }
    plain.Compact(0);
    compensated.Compact(0);
    EXPECT_TRUE(plain.Equals(compensated)) << plain.ToString() << "\n" << compensated.ToString();
  }
}

TEST(HistogramScaleTest, NegativeFactorsMakeAGaugeAndZeroDivisorsDropBuckets) {
  FloatHistogram h = Exponential(0, {{0, 2}}, {1, 2});
  h.sum = 3;
  h.Mul(-2);
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{-2, -4}));
  EXPECT_EQ(h.reset_hint, ResetHint::kGauge);
  h.Div(0);
  EXPECT_TRUE(h.positive_buckets.empty());
  EXPECT_EQ(h.sum, -kInf);
  EXPECT_TRUE(h.HasOverflow());
}

TEST(HistogramResetTest, SeesWhatHasShrunk) {
  const FloatHistogram base = Exponential(0, {{0, 3}}, {1, 0, 3});
  FloatHistogram more = Exponential(0, {{-1, 5}}, {1, 1, 0, 3, 9});
  EXPECT_FALSE(more.DetectReset(base));
  FloatHistogram gone = Exponential(0, {{0, 1}}, {100});
  EXPECT_TRUE(gone.DetectReset(base));
  FloatHistogram less = Exponential(0, {{0, 3}}, {1, 100, 2});
  EXPECT_TRUE(less.DetectReset(base));
  less.reset_hint = ResetHint::kNotReset;
  EXPECT_FALSE(less.DetectReset(base));
  more.reset_hint = ResetHint::kReset;
  EXPECT_TRUE(more.DetectReset(base));
  FloatHistogram finer = Exponential(1, {{0, 6}}, {9, 9, 9, 9, 9, 9});
  EXPECT_TRUE(finer.DetectReset(base));
  FloatHistogram coarser = Exponential(-1, {{0, 2}}, {1, 3});
  EXPECT_FALSE(coarser.DetectReset(base));
  FloatHistogram wider = Exponential(0, {{1, 2}}, {1, 3});
  wider.zero_threshold = 1;
  wider.zero_count = 1;
  EXPECT_FALSE(wider.DetectReset(base));
  wider.zero_threshold = 0.75;
  EXPECT_TRUE(wider.DetectReset(base));
}

TEST(HistogramResetTest, CustomBoundsAreComparedWhereTheyMeet) {
  const FloatHistogram base = Custom({1, 2, 4}, {1, 2, 4, 8});
  EXPECT_FALSE(Custom({2, 4}, {3, 4, 8}).DetectReset(base));
  EXPECT_FALSE(Custom({2, 3}, {3, 0, 12}).DetectReset(base));
  EXPECT_TRUE(Custom({2, 4}, {2, 5, 8}).DetectReset(base));
  EXPECT_TRUE(Custom({2, 4}, {100, 3, 8}).DetectReset(base));
  EXPECT_TRUE(Custom({1}, {9, 99}).DetectReset(Exponential(0, {{0, 1}}, {1})));
  EXPECT_TRUE(Exponential(0, {{0, 1}}, {99}).DetectReset(base));
}

TEST(HistogramEqualsTest, ComparesBitsAndLayout) {
  FloatHistogram a = Exponential(0, {{0, 2}, {1, 1}}, {1, 2, 3});
  FloatHistogram b = Exponential(0, {{0, 2}, {1, 0}, {0, 1}}, {1, 2, 3});
  EXPECT_TRUE(a.Equals(b));
  a.sum = b.sum = StaleNan();
  EXPECT_TRUE(a.Equals(b));
  b.sum = NormalNan();
  EXPECT_FALSE(a.Equals(b));
  b.sum = a.sum;
  b.reset_hint = ResetHint::kGauge;
  EXPECT_TRUE(a.Equals(b));
  b.positive_spans = {{0, 3}};
  EXPECT_FALSE(a.Equals(b));
}

TEST(HistogramTrimTest, InterpolatesTheBucketThatHoldsTheValue) {
  FloatHistogram custom = Custom({10, 20}, {4, 6, 2});
  FloatHistogram lower = custom;
  lower.TrimBuckets(15, true);
  EXPECT_EQ(lower.positive_buckets, (std::vector<double>{4, 3}));
  EXPECT_EQ(lower.count, 7);
  EXPECT_EQ(lower.sum, 4 * 5 + 3 * 12.5);
  FloatHistogram upper = custom;
  upper.TrimBuckets(5, false);
  EXPECT_EQ(upper.positive_buckets, (std::vector<double>{2, 6, 2}));
  EXPECT_EQ(upper.count, 10);
  EXPECT_EQ(upper.sum, 2 * 7.5 + 6 * 15 + 2 * 20);
  FloatHistogram whole = custom;
  whole.sum = 123;
  whole.TrimBuckets(kInf, true);
  EXPECT_EQ(whole.sum, 123);
  FloatHistogram exponential = Exponential(0, {{2, 1}}, {4});  // (2,4]
  exponential.TrimBuckets(std::sqrt(8), true);
  EXPECT_NEAR(exponential.count, 2, 1e-9);
  FloatHistogram zero;
  zero.zero_count = 8;
  zero.zero_threshold = 1;
  zero.count = 8;
  zero.TrimBuckets(0.5, true);
  EXPECT_EQ(zero.zero_count, 6);
  EXPECT_EQ(zero.sum, 6 * -0.25);
}

TEST(HistogramValidateTest, NamesTheBrokenRule) {
  FloatHistogram h = Exponential(0, {{0, 2}, {-1, 1}}, {1, 2, 3});
  EXPECT_EQ(h.Validate().message(),
            "positive side: span number 2 with offset -1: histogram has a span whose offset is "
            "negative");
  h = Exponential(0, {{0, 2}}, {1, 2, 3});
  EXPECT_EQ(
      h.Validate().message(),
      "positive side: spans need 2 buckets, have 3 buckets: histogram spans specify different "
      "number of buckets than provided");
  h = Exponential(0, {{0, 2}}, {1, -2});
  EXPECT_EQ(h.Validate().message(),
            "observation count is  -1: histogram's observation count is negative");
  h.count = 1;
  EXPECT_EQ(h.Validate().message(),
            "positive side: bucket number 2 has observation count of -2: histogram has a bucket "
            "whose observation count is negative");
  h = Exponential(9, {}, {});
  EXPECT_EQ(h.Validate().message(),
            "histogram has an invalid schema, which must be between -4 and 8 for exponential "
            "buckets, or -53 for custom buckets, got schema 9");
  h = Exponential(0, {}, {});
  h.custom_values = {1};
  EXPECT_EQ(h.Validate().message(),
            "histogram with exponential schema must not have custom bounds");
  h = Custom({2, 2}, {1});
  EXPECT_EQ(h.Validate().message(),
            "custom buckets: previous bound is 2.000000 and current is 2.000000: histogram custom "
            "bounds must be in strictly increasing order");
  h = Custom({2, kInf}, {1});
  EXPECT_EQ(h.Validate().message(),
            "custom buckets: last +Inf bound must not be explicitly defined: histogram custom "
            "bounds must be finite");
  h = Custom({2}, {1, 2, 3});
  EXPECT_EQ(
      h.Validate().message(),
      "custom buckets: only 1 custom bounds defined which is insufficient to cover total span "
      "length of 3: histogram custom bounds are too few");
  h = Custom({2}, {1, 2});
  EXPECT_TRUE(h.Validate().ok());
  h.zero_count = 1;
  EXPECT_EQ(h.Validate().message(), "custom buckets: must have zero count of 0");
}

TEST(HistogramValidateTest, IntegerCountsMustAddUp) {
  IntHistogram h;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {3, -1};
  h.zero_count = 1;
  h.count = 6;
  EXPECT_TRUE(h.Validate().ok());
  h.count = 7;
  EXPECT_EQ(h.Validate().message(),
            "6 observations found in buckets, but the Count field is 7: histogram's observation "
            "count should equal the number of observations found in the buckets (in absence of "
            "NaN)");
  h.sum = std::nan("");
  EXPECT_TRUE(h.Validate().ok());
  h.count = 5;
  EXPECT_FALSE(h.Validate().ok());
  h.positive_buckets = {std::numeric_limits<int64_t>::max(), 1};
  EXPECT_FALSE(h.Validate().ok());
}

TEST(HistogramConvertTest, ClassicBucketsBecomeCustomOnes) {
  ClassicHistogram classic;
  classic.buckets = {{kInf, 10}, {1, 2}, {2, 7}, {2, 99}};
  classic.sum = 12.5;
  const auto got = ConvertClassicToNhcb(classic);
  ASSERT_TRUE(got.ok()) << got.status().message();
  EXPECT_FALSE(got->is_float);
  EXPECT_EQ(got->integer.custom_values, (std::vector<double>{1, 2}));
  EXPECT_EQ(got->integer.positive_buckets, (std::vector<int64_t>{2, 3, -2}));
  EXPECT_EQ(got->integer.count, 10u);
  EXPECT_EQ(got->integer.sum, 12.5);
  classic.buckets = {{1, 0.5}, {2, 0.5}};
  classic.has_count = true;
  classic.count = 2;
  const auto fractional = ConvertClassicToNhcb(classic);
  ASSERT_TRUE(fractional.ok());
  EXPECT_TRUE(fractional->is_float);
  EXPECT_EQ(fractional->floating.positive_buckets, (std::vector<double>{0.5, 1.5}));
  EXPECT_EQ(fractional->floating.positive_spans, (std::vector<BucketSpan>{{0, 1}, {1, 1}}));
}

TEST(HistogramConvertTest, RefusesWhatIsNotAHistogram) {
  const struct {
    std::vector<std::pair<double, double>> buckets;
    bool has_count;
    double count;
    const char* want;
  } cases[] = {
      {{}, false, 0, "count must be provided when no buckets are present"},
      {{{std::nan(""), 1}}, false, 0, "bucket boundary must not be NaN"},
      {{{1, -1}}, false, 0, "bucket count must be non-negative: le=1, count=-1"},
      {{{1, 5}, {2, 3}}, false, 0, "count is not cumulative: 3 < 5"},
      {{{1, 5}, {kInf, 6}}, true, 7, "count mismatch: count=7 != le=+Inf count=6"},
      {{{1, .5}, {kInf, 6}}, true, 7, "count mismatch: count=7 != le=+Inf count=6"},
      {{{1, 5}}, true, -1, "count must be non-negative: count=-1"},
  };
  for (const auto& c : cases) {
    ClassicHistogram classic;
    classic.buckets = c.buckets;
    classic.has_count = c.has_count;
    classic.count = c.count;
    const auto got = ConvertClassicToNhcb(classic);
    ASSERT_FALSE(got.ok()) << c.want;
    EXPECT_EQ(got.status().message(), c.want);
  }
}

TEST(HistogramTest, ContradictingLayoutsNeverReadPastTheirBuckets) {
  std::mt19937 random(4);
  for (int i = 0; i < 5000; i++) {
    const auto hostile = [&] {
      FloatHistogram h = RandomHistogram(random, static_cast<int32_t>(random() % 13) - 4);
      for (auto* spans : {&h.positive_spans, &h.negative_spans}) {
        for (BucketSpan& span : *spans) {
          if (random() % 3 == 0) span.offset = static_cast<int32_t>(random());
          if (random() % 3 == 0) span.length = static_cast<uint32_t>(random());
        }
      }
      h.zero_threshold = random() % 2 ? 0 : std::ldexp(1, static_cast<int>(random() % 40) - 20);
      return h;
    };
    FloatHistogram a = hostile();
    const FloatHistogram b = hostile();
    a.DetectReset(b);
    a.Equals(b);
    a.AllBuckets();
    a.ToString();
    std::unique_ptr<FloatHistogram> c;
    EXPECT_TRUE(a.Add(b).ok());
    EXPECT_TRUE(a.KahanAdd(b, &c).ok());
    a.TrimBuckets(3, random() % 2);
    a.ReduceResolution(-4);
    a.Compact(static_cast<int>(random() % 3));
    a.TestExpression();
  }
}

}  // namespace
}  // namespace deucalion
