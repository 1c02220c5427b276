#include "server/http/cost_memory.h"

#include <gtest/gtest.h>

namespace deucalion::http {
namespace {

constexpr int64_t kCheap = CostMemory::kCheapNs, kDear = CostMemory::kCheapNs * 2;

TEST(CostMemoryTest, NothingIsCheapBeforeItWasSeen) {
  CostMemory costs;
  EXPECT_FALSE(costs.IsCheap(7));
  costs.Observe(7, kCheap);
  EXPECT_TRUE(costs.IsCheap(7));
}

TEST(CostMemoryTest, OneSlowRunIsForgivenTwoAreNot) {
  CostMemory costs;
  costs.Observe(7, kCheap);
  costs.Observe(7, kDear);
  EXPECT_TRUE(costs.IsCheap(7));
  costs.Observe(7, int64_t{3600} * 1'000'000'000);
  EXPECT_FALSE(costs.IsCheap(7));
  costs.Observe(7, 0);
  EXPECT_TRUE(costs.IsCheap(7));
}

TEST(CostMemoryTest, WhatHasLongBeenCheapMayBeSlowOnceToo) {
  CostMemory costs;
  for (int i = 0; i < 5; i++) costs.Observe(7, i * 1000);
  costs.Observe(7, kDear);
  EXPECT_TRUE(costs.IsCheap(7));
  costs.Observe(7, kDear);
  EXPECT_FALSE(costs.IsCheap(7));
  costs.Observe(7, 0);
  costs.Observe(7, kDear);
  EXPECT_TRUE(costs.IsCheap(7));
}

TEST(CostMemoryTest, KeysOfOnePlaceAreToldApart) {
  CostMemory costs;
  const uint64_t a = uint64_t{1} << 40 | 5, b = uint64_t{2} << 40 | 5;
  costs.Observe(a, 0);
  EXPECT_FALSE(costs.IsCheap(b));
  costs.Observe(b, kDear);
  EXPECT_FALSE(costs.IsCheap(a));
  EXPECT_FALSE(costs.IsCheap(b));
}

TEST(CostMemoryTest, AKeyOfZeroIsNeverCheap) {
  CostMemory costs;
  costs.Observe(0, 0);
  EXPECT_FALSE(costs.IsCheap(0));
}

}  // namespace
}  // namespace deucalion::http
