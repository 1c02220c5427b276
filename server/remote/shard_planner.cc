#include "server/remote/shard_planner.h"

#include <algorithm>
#include <cmath>

namespace deucalion::remote {
namespace {

constexpr double kWeight = 0.2;
constexpr double kCatchUpPerSecond = 0.05;
constexpr double kTolerance = 0.3;
constexpr double kTooFarBehindSeconds = 10;

}  // namespace

void EwmaRate::Tick() {
  const double now = events_.exchange(0, std::memory_order_relaxed) * 1000 / kShardUpdateMs;
  rate_ = begun_ ? rate_ + kWeight * (now - rate_) : now;
  begun_ = true;
}

ShardPlan PlanShards(const ShardInputs& in) {
  ShardPlan plan{.shards = in.shards, .desired = static_cast<double>(in.shards)};
  if (in.out_rate <= 0) return plan;
  const double kept_ratio = in.out_rate / (in.dropped_rate + in.out_rate);
  const double seconds_per_sample = in.out_seconds_rate / in.out_rate;
  const double pending = in.behind_seconds * in.in_rate * kept_ratio;
  plan.desired = seconds_per_sample * (in.in_rate * kept_ratio + kCatchUpPerSecond * pending);
  if (in.shards * (1 - kTolerance) <= plan.desired &&
      plan.desired <= in.shards * (1 + kTolerance)) {
    return plan;
  }
  // Clamped as a double: a wish may be beyond what an int holds.
  const int wanted =
      static_cast<int>(std::clamp(std::ceil(plan.desired), static_cast<double>(in.min_shards),
                                  static_cast<double>(in.max_shards)));
  if (wanted < in.shards && in.behind_seconds > kTooFarBehindSeconds) return plan;
  plan.shards = wanted;
  return plan;
}

}  // namespace deucalion::remote
