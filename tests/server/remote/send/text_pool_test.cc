#include "server/remote/send/text_pool.h"

#include <gtest/gtest.h>

namespace deucalion::remote {
namespace {

TEST(TextPoolTest, KeepsEachTextOnceAndUsesFreeNumbersAgain) {
  TextPool pool;
  const uint32_t a = pool.Ref("a");
  const uint32_t b = pool.Ref("b");
  EXPECT_NE(a, b);
  EXPECT_EQ(pool.Ref("a"), a);
  EXPECT_EQ(pool.text(b), "b");
  pool.Unref(a);
  EXPECT_EQ(pool.text(a), "a");
  pool.Unref(a);
  EXPECT_EQ(pool.size(), 1u);
  EXPECT_EQ(pool.Ref("c"), a);
  EXPECT_EQ(pool.limit(), 2u);
  EXPECT_EQ(pool.Ref(""), 2u);
}

}  // namespace
}  // namespace deucalion::remote
