#include "promql/parse_cache.h"

#include <gtest/gtest.h>

namespace deucalion::promql {
namespace {

TEST(ParseCacheTest, TheSameTextIsTheSameTree) {
  ParseCache cache({});
  const auto first = cache.Parse("sum(up)"), again = cache.Parse("sum(up)");
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->root, again->root);
  EXPECT_EQ(*again->text, "sum(up)");
  EXPECT_NE(cache.Parse("sum (up)")->root, first->root);
}

TEST(ParseCacheTest, ErrorsAreSaidAgainAndNotKept) {
  ParseCache cache({});
  const std::string want = Parse("sum(").status().message();
  EXPECT_EQ(cache.Parse("sum(").status().message(), want);
  EXPECT_EQ(cache.Parse("sum(").status().message(), want);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ParseCacheTest, ForgetsTheTextNobodyAskedForTheLongest) {
  ParseCache cache({}, 64);
  const auto up = cache.Parse("up");
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(cache.Parse("m" + std::to_string(i)).ok());
    ASSERT_EQ(cache.Parse("up")->root, up->root) << i;
  }
  EXPECT_LE(cache.size(), 32u);
  // What was dropped can be had again, and what a caller still holds is not gone.
  EXPECT_TRUE(cache.Parse("m0").ok());
}

TEST(ParseCacheTest, RegularExpressionsAndLongTextsAreNotKept) {
  ParseCache cache({});
  ASSERT_TRUE(cache.Parse("up{a=~\"x.*\"}").ok());
  ASSERT_TRUE(cache.Parse("up{a!~\"x.*\"}").ok());
  ASSERT_TRUE(cache.Parse("up" + std::string(5000, ' ')).ok());
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace deucalion::promql
