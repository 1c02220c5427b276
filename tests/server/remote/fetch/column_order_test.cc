#include "server/remote/fetch/column_order.h"

#include <gtest/gtest.h>

namespace deucalion::remote {
namespace {

SampleColumns Floats(std::vector<int64_t> times, double value,
                     std::vector<int64_t> start_times = {}) {
  SampleColumns columns;
  columns.values.assign(times.size(), value);
  columns.times = std::move(times);
  columns.start_times = std::move(start_times);
  return columns;
}

SampleColumns Histograms(std::vector<int64_t> times, double count) {
  SampleColumns columns;
  for (const int64_t time_ms : times) {
    HistogramPoint& point = columns.histograms.emplace_back();
    point.time_ms = time_ms;
    point.histogram.count = count;
  }
  return columns;
}

std::string Text(const SampleColumns& columns) {
  std::string text;
  for (size_t i = 0; i < columns.times.size(); i++) {
    text += std::to_string(static_cast<int>(columns.values[i])) + "@" +
            std::to_string(columns.times[i]);
    if (!columns.start_times.empty()) text += "^" + std::to_string(columns.start_times[i]);
    text += " ";
  }
  for (const HistogramPoint& point : columns.histograms) {
    text += "h" + std::to_string(static_cast<int>(point.histogram.count)) + "@" +
            std::to_string(point.time_ms) + " ";
  }
  return text;
}

std::string Merged(const SampleColumns& a, const SampleColumns& b, int64_t min_ms = 0,
                   int64_t max_ms = 100) {
  SampleColumns out;
  MergeColumns(a, b, min_ms, max_ms, &out);
  return Text(out);
}

TEST(ColumnOrderTest, SortsAndKeepsTheFirstOfEqualTimes) {
  SampleColumns columns = Floats({5, 3}, 1);
  AppendColumns(Floats({4, 3, 9}, 2), &columns);
  AppendColumns(Histograms({9, 2, 9}, 3), &columns);
  SortColumns(&columns);
  EXPECT_EQ(Text(columns), "1@3 2@4 1@5 2@9 h3@2 h3@9 ");
}

TEST(ColumnOrderTest, StartTimesAreThereForAllOrForNone) {
  SampleColumns columns = Floats({5}, 1);
  AppendColumns(Floats({4}, 2, {1}), &columns);
  SortColumns(&columns);
  EXPECT_EQ(Text(columns), "2@4^1 1@5^0 ");
  EXPECT_EQ(Merged(Floats({1}, 1, {7}), Floats({2}, 2)), "1@1^7 2@2^0 ");
}

TEST(ColumnOrderTest, TheFirstOfTwoWins) {
  EXPECT_EQ(Merged(Floats({1, 3}, 1), Floats({1, 2, 3, 4}, 2)), "1@1 2@2 1@3 2@4 ");
  EXPECT_EQ(Merged(Floats({1, 3}, 1), {}), "1@1 1@3 ");
  EXPECT_EQ(Merged({}, Floats({1, 3}, 2)), "2@1 2@3 ");
  EXPECT_EQ(Merged(Histograms({1, 3}, 1), Histograms({1, 2, 3, 4}, 2)), "h1@1 h2@2 h1@3 h2@4 ");
}

TEST(ColumnOrderTest, ATimeHoldsOneSampleOfEitherKind) {
  EXPECT_EQ(Merged(Floats({1, 3}, 1), Histograms({1, 2}, 2)), "1@1 1@3 h2@2 ");
  EXPECT_EQ(Merged(Histograms({1, 3}, 1), Floats({1, 2}, 2)), "2@2 h1@1 h1@3 ");
}

TEST(ColumnOrderTest, TakesNothingOutsideTheBounds) {
  EXPECT_EQ(Merged(Floats({5}, 1), Floats({1, 4, 6, 9}, 2), 4, 6), "2@4 1@5 2@6 ");
  EXPECT_EQ(Merged({}, Histograms({1, 4, 6, 9}, 2), 4, 6), "h2@4 h2@6 ");
}

}  // namespace
}  // namespace deucalion::remote
