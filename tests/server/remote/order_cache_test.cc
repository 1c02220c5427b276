#include "server/remote/order_cache.h"

#include <gtest/gtest.h>

namespace deucalion::remote {
namespace {

std::shared_ptr<const OrderCache::Order> OrderOf(SeriesRef first, size_t size = 4) {
  auto order = std::make_shared<OrderCache::Order>(size);
  (*order)[0].ref = first;
  return order;
}

TEST(OrderCacheTest, TheLeastRecentlyUsedGoesWhenItIsFull) {
  OrderCache cache(3 * (128 + 100 * sizeof(OrderCache::Known)));
  for (uint64_t i = 1; i <= 3; i++) cache.Put(i, OrderOf(i, 100));
  ASSERT_NE(cache.Get(1), nullptr);
  cache.Put(4, OrderOf(4, 100));
  EXPECT_EQ(cache.Get(2), nullptr);
  EXPECT_EQ((*cache.Get(1))[0].ref, 1u);
  EXPECT_EQ((*cache.Get(3))[0].ref, 3u);
  EXPECT_EQ((*cache.Get(4))[0].ref, 4u);
  cache.Put(5, OrderOf(5, 1000));  // larger than all there is
  EXPECT_EQ(cache.Get(5), nullptr);
}

TEST(OrderCacheTest, OrdersThatNobodyRepeatsAreForgotten) {
  OrderCache cache(1 << 20);
  for (uint64_t i = 1; i <= 4; i++) cache.Put(i, OrderOf(i));
  // Four senders in turn, and one that is heard in every fourth round; with each round a request of
  // series that never come again.
  cache.Put(99, OrderOf(99));
  for (uint64_t round = 0; round < 200; round++) {
    for (uint64_t i = 1; i <= 4; i++) ASSERT_NE(cache.Get(i), nullptr);
    if (round % 4 == 0) {
      ASSERT_NE(cache.Get(99), nullptr) << round;
    }
    const uint64_t once = 1000 + round;
    ASSERT_EQ(cache.Get(once), nullptr);
    cache.Put(once, OrderOf(once));
  }
  size_t kept = 0;
  for (uint64_t round = 0; round < 200; round++) kept += cache.Get(1000 + round) != nullptr;
  EXPECT_GT(kept, 0u);
  EXPECT_LT(kept, 50u);
}

}  // namespace
}  // namespace deucalion::remote
