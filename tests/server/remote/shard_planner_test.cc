#include "server/remote/shard_planner.h"

#include <gtest/gtest.h>

namespace deucalion::remote {
namespace {

TEST(EwmaRateTest, BeginsAtTheFirstRateAndThenFollowsSlowly) {
  EwmaRate rate;
  rate.Add(1000);
  rate.Tick();
  EXPECT_DOUBLE_EQ(rate.rate(), 100);
  rate.Tick();
  EXPECT_DOUBLE_EQ(rate.rate(), 80);
  rate.Add(2000);
  rate.Tick();
  EXPECT_DOUBLE_EQ(rate.rate(), 104);
}

TEST(PlanShardsTest, FollowsLoadWithinItsBounds) {
  const struct {
    const char* what;
    ShardInputs in;
    int want;
  } cases[] = {
      {"nothing sent: stays", {.in_rate = 1e6, .shards = 4, .max_shards = 50}, 4},
      {"just enough: stays",
       {.in_rate = 1000, .out_rate = 1000, .out_seconds_rate = 4.9, .shards = 5, .max_shards = 50},
       5},
      {"twice as much comes in as goes out",
       {.in_rate = 2000, .out_rate = 1000, .out_seconds_rate = 5, .shards = 5, .max_shards = 50},
       10},
      {"half of it is dropped",
       {.in_rate = 2000,
        .out_rate = 1000,
        .dropped_rate = 1000,
        .out_seconds_rate = 5,
        .shards = 5,
        .max_shards = 50},
       5},
      {"a backlog of 20 s doubles the need",
       {.in_rate = 1000,
        .out_rate = 1000,
        .out_seconds_rate = 5,
        .behind_seconds = 20,
        .shards = 5,
        .max_shards = 50},
       10},
      {"never more than allowed",
       {.in_rate = 1e18, .out_rate = 1, .out_seconds_rate = 50, .shards = 5, .max_shards = 50},
       50},
      {"never fewer than allowed",
       {.in_rate = 1,
        .out_rate = 1,
        .out_seconds_rate = 0.01,
        .shards = 8,
        .min_shards = 3,
        .max_shards = 50},
       3},
      {"shrinks when idle",
       {.in_rate = 100, .out_rate = 100, .out_seconds_rate = 1.5, .shards = 8, .max_shards = 50},
       2},
      {"does not shrink while far behind",
       {.in_rate = 100,
        .out_rate = 100,
        .out_seconds_rate = 1.5,
        .behind_seconds = 11,
        .shards = 8,
        .max_shards = 50},
       8},
  };
  for (const auto& c : cases) EXPECT_EQ(PlanShards(c.in).shards, c.want) << c.what;
}

}  // namespace
}  // namespace deucalion::remote
