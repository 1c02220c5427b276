#include "tests/support/memory_storage.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/value.h"

namespace deucalion::testing_support {
namespace {

FloatHistogram Counter(double count, int32_t schema = 0) {
  FloatHistogram h;
  h.schema = schema;
  h.count = count;
  h.positive_spans = {{0, 1}};
  h.positive_buckets = {count};
  return h;
}

TEST(MemoryStorageTest, GivesHistogramsTheHintsOfTheirChunks) {
  const Labels labels{{"__name__", "h"}};
  MemoryStorage storage;
  FloatHistogram gauge = Counter(1);
  gauge.reset_hint = ResetHint::kGauge;
  FloatHistogram reset = Counter(50);
  reset.reset_hint = ResetHint::kReset;
  const std::vector<FloatHistogram> histograms = {Counter(1), Counter(2), Counter(1), Counter(3, 1),
                                                  gauge,      Counter(1), reset,      Counter(60)};
  int64_t t = 0;
  for (const FloatHistogram& h : histograms) {
    ASSERT_TRUE(storage.AppendHistogram(labels, t++, h).ok());
  }
  ASSERT_TRUE(storage.Append(labels, t++, 5).ok());
  ASSERT_TRUE(storage.AppendHistogram(labels, t++, Counter(61)).ok());

  auto querier = storage.NewQuerier(0, 100);
  auto set = (*querier)->Select(true, {}, {Matcher::Equal("__name__", "h")}, nullptr);
  ASSERT_EQ((*set)->size(), 1u);
  SampleColumns columns;
  ASSERT_TRUE((*set)->Read(0, 0, 100, &columns).ok());
  EXPECT_EQ(columns.values, std::vector<double>{5});
  std::vector<ResetHint> hints;
  for (const HistogramPoint& p : columns.histograms) hints.push_back(p.histogram.reset_hint);
  using H = ResetHint;
  EXPECT_EQ(hints, (std::vector<H>{H::kUnknown, H::kNotReset, H::kUnknown, H::kUnknown, H::kGauge,
                                   H::kUnknown, H::kUnknown, H::kNotReset, H::kUnknown}));
}

TEST(MemoryStorageTest, KeepsSeriesInTimeOrder) {
  const Labels labels{{"__name__", "c"}};
  MemoryStorage storage;
  ASSERT_TRUE(storage.Append(labels, 10, 1, 5).ok());
  EXPECT_TRUE(storage.Append(labels, 10, 1, 5).ok());
  EXPECT_EQ(storage.Append(labels, 10, 2).message(), "duplicate sample for timestamp");
  EXPECT_EQ(storage.Append(labels, 9, 2).message(), "out of order sample");
  ASSERT_TRUE(storage.Append(labels, 20, StaleNan()).ok());
  auto querier = storage.NewQuerier(0, 100);
  auto set = (*querier)->Select(true, {}, {}, nullptr);
  SampleColumns columns;
  ASSERT_TRUE((*set)->Read(0, 0, 20, &columns).ok());
  EXPECT_EQ(columns.times, (std::vector<int64_t>{10, 20}));
  EXPECT_EQ(columns.start_times, (std::vector<int64_t>{5, 0}));
  bool truncated = false;
  EXPECT_EQ(*(*querier)->LabelValues("__name__", {}, 0, &truncated), std::vector<std::string>{"c"});
}

}  // namespace
}  // namespace deucalion::testing_support
