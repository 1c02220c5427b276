#include "tsdb/chunk/packed_histograms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "model/value.h"

namespace deucalion::tsdb {
namespace {

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

void ExpectSame(const HistogramPoint& got, const HistogramPoint& want) {
  const FloatHistogram &a = got.histogram, &b = want.histogram;
  EXPECT_EQ(got.integer, want.integer);
  EXPECT_EQ(a.reset_hint, b.reset_hint);
  EXPECT_EQ(a.schema, b.schema);
  EXPECT_TRUE(SameBits(a.zero_threshold, b.zero_threshold));
  EXPECT_TRUE(SameBits(a.zero_count, b.zero_count));
  EXPECT_TRUE(SameBits(a.count, b.count));
  EXPECT_TRUE(SameBits(a.sum, b.sum));
  EXPECT_EQ(a.positive_spans, b.positive_spans);
  EXPECT_EQ(a.negative_spans, b.negative_spans);
  EXPECT_EQ(a.custom_values, b.custom_values);
  EXPECT_TRUE(std::ranges::equal(a.positive_buckets, b.positive_buckets, SameBits));
  EXPECT_TRUE(std::ranges::equal(a.negative_buckets, b.negative_buckets, SameBits));
}

std::vector<HistogramPoint> RandomHistograms(std::mt19937_64& rng, size_t n) {
  std::vector<HistogramPoint> points;
  HistogramPoint p;
  while (points.size() < n) {
    if (points.empty() || rng() % 20 == 0) {
      p = HistogramPoint();
      p.integer = rng() % 2;
      FloatHistogram& h = p.histogram;
      h.schema = rng() % 5 == 0 ? kCustomBucketsSchema : static_cast<int32_t>(rng() % 9);
      h.reset_hint = static_cast<ResetHint>(rng() % 4);
      h.zero_threshold = 1e-128;
      h.positive_spans = {{-2, 3}, {1, static_cast<uint32_t>(rng() % 5)}};
      h.positive_buckets.assign(3 + h.positive_spans[1].length, 0);
      if (rng() % 2) {
        h.negative_spans = {{0, 2}};
        h.negative_buckets.assign(2, 0);
      }
      if (h.schema == kCustomBucketsSchema) h.custom_values = {0.1, 0.5, 1, 2.5};
    }
    FloatHistogram& h = p.histogram;
    const double step = p.integer ? 1 : 0.3;
    for (double& b : h.positive_buckets) b += step * static_cast<double>(rng() % 9);
    for (double& b : h.negative_buckets) b += step * static_cast<double>(rng() % 2);
    h.count += 10;
    h.sum = rng() % 30 == 0 ? StaleNan() : h.sum + 0.37;
    points.push_back(p);
  }
  return points;
}

TEST(PackedHistogramsTest, EveryHistogramComesBack) {
  std::mt19937_64 rng(4);
  for (int round = 0; round < 60; ++round) {
    const auto points = RandomHistograms(rng, 1 + rng() % 200);
    std::string bytes;
    EncodeHistograms(points, &bytes);
    ByteReader in(bytes);
    std::vector<HistogramPoint> got(points.size());
    ASSERT_TRUE(DecodeHistograms(&in, got.size(), got.data()));
    EXPECT_TRUE(in.done());
    for (size_t i = 0; i < got.size(); ++i) ExpectSame(got[i], points[i]);
  }
}

TEST(PackedHistogramsTest, BrokenBytesAreRefusedOrDecodeWithinBounds) {
  std::mt19937_64 rng(8);
  std::string good;
  EncodeHistograms(RandomHistograms(rng, 50), &good);
  for (size_t cut = 0; cut < good.size(); ++cut) {
    const std::string part = good.substr(0, cut);
    ByteReader in(part);
    std::vector<HistogramPoint> got(50);
    EXPECT_FALSE(DecodeHistograms(&in, got.size(), got.data()));
  }
  for (int round = 0; round < 5000; ++round) {
    std::string bad = good;
    bad[rng() % bad.size()] = static_cast<char>(rng());
    ByteReader in(bad);
    std::vector<HistogramPoint> got(50);
    (void)DecodeHistograms(&in, got.size(), got.data());
  }
}

}  // namespace
}  // namespace deucalion::tsdb
