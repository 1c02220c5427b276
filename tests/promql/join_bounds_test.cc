// Joins of everything with everything: an error, soon and within the budget, not a product of all
// series.
#include <gtest/gtest.h>

#include <string>

#include "promql/engine.h"
#include "tests/support/memory_storage.h"

namespace deucalion::promql {
namespace {

constexpr int64_t kMinute = 60'000;

class JoinBoundsTest : public testing::Test {
 protected:
  // Series i has samples at minute i % `minutes` alone.
  void Fill(const std::string& name, int series, int minutes) {
    for (int minute = 0; minute < minutes; minute++) {
      for (int i = minute; i < series; i += minutes) {
        const Labels labels{{"__name__", name}, {"i", std::to_string(i)}};
        ASSERT_TRUE(storage_.Append(labels, minute * kMinute, i).ok());
      }
    }
  }
  testing_support::MemoryStorage storage_;
};

TEST_F(JoinBoundsTest, DuplicatesOnTheOneSideEndTheQueryBeforeAnythingIsMatched) {
  Fill("x", 5000, 1);
  Engine engine{EngineOptions{}};
  const QueryResult r = engine.Instant(storage_, "x * on () group_left x", 0);
  EXPECT_EQ(r.status.code(), StatusCode::kExecution);
  EXPECT_NE(r.status.message().find("found duplicate series for the match group {}"),
            std::string::npos)
      << r.status.ToString();
  // Both sides and no more: 25 million pairs would be gigabytes.
  EXPECT_LT(r.stats.peak_bytes, uint64_t{16} << 20);
}

TEST_F(JoinBoundsTest, TheFirstErrorInTheOrderOfStepsIsTheOneThatIsTold) {
  // At minute 0 two of the many side meet one; at minute 1 the one side has duplicates.
  for (const char* i : {"a", "b"}) {
    ASSERT_TRUE(storage_.Append(Labels{{"__name__", "x"}, {"i", i}}, 0, 1).ok());
    ASSERT_TRUE(storage_.Append(Labels{{"__name__", "y"}, {"i", i}}, kMinute, 1).ok());
  }
  ASSERT_TRUE(storage_.Append(Labels{{"__name__", "y"}, {"i", "c"}}, 0, 1).ok());
  Engine engine{EngineOptions{}};
  const QueryResult both = engine.Range(storage_, "x * on () y", 0, kMinute, kMinute);
  EXPECT_NE(both.status.message().find("multiple matches for labels"), std::string::npos)
      << both.status.ToString();
  const QueryResult later = engine.Range(storage_, "x * on () y", kMinute, 2 * kMinute, kMinute);
  EXPECT_NE(later.status.message().find("found duplicate series"), std::string::npos)
      << later.status.ToString();
}

}  // namespace
}  // namespace deucalion::promql
