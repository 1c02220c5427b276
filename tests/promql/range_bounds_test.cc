// Windows of very many samples at very many steps: right, and never longer than the deadline.
#include <gtest/gtest.h>

#include "promql/engine.h"
#include "tests/support/memory_storage.h"

namespace deucalion::promql {
namespace {

class RangeBoundsTest : public testing::Test {
 protected:
  void Fill(int seconds) {
    for (int t = 0; t <= seconds; t++) {
      ASSERT_TRUE(storage_.Append(Labels{{"__name__", "x"}}, t * 1000, 1).ok());
    }
  }
  testing_support::MemoryStorage storage_;
};

TEST_F(RangeBoundsTest, AWindowIsTheSameWhereverTheStepsAreCut) {
  Fill(12'000);
  Engine engine{EngineOptions{}};
  // 36 million samples in all windows together.
  const QueryResult r =
      engine.Range(storage_, "sum_over_time(x[6000s])", 6'000'000, 12'000'000, 1000);
  ASSERT_TRUE(r.status.ok()) << r.status.ToString();
  const Matrix& matrix = std::get<Matrix>(r.value);
  ASSERT_EQ(matrix.size(), 1u);
  ASSERT_EQ(matrix[0].times.size(), 6001u);
  for (size_t i = 0; i < matrix[0].values.size(); i++) {
    ASSERT_EQ(matrix[0].times[i], 6'000'000 + static_cast<int64_t>(i) * 1000);
    ASSERT_EQ(matrix[0].values[i], 6000) << i;
  }
}

TEST_F(RangeBoundsTest, OneSeriesIsGivenUpAtTheDeadlineToo) {
  Fill(600);
  EngineOptions options;
  options.timeout_ms = 300;
  Engine engine(options);
  // A hundred billion samples.
  const QueryResult r =
      engine.Instant(storage_, "max_over_time(sum_over_time(x[5m:1ms])[5m:1ms])", 600'000);
  EXPECT_EQ(r.status.code(), StatusCode::kDeadlineExceeded) << r.status.ToString();
}

}  // namespace
}  // namespace deucalion::promql
