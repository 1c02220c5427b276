// How many shards a remote write queue should run: enough to send what comes in and to catch up
// with 5 % of the backlog each second, judged by what a sample took to send lately. Pure: rates and
// times come from the caller. The rules are those of Prometheus's queue manager.
#ifndef DEUCALION_SERVER_REMOTE_SHARD_PLANNER_H_
#define DEUCALION_SERVER_REMOTE_SHARD_PLANNER_H_

#include <atomic>
#include <cstdint>

namespace deucalion::remote {

// How often shards are planned and rates are taken.
inline constexpr int64_t kShardUpdateMs = 10'000;

// Events per second as an exponentially weighted moving average over ticks of kShardUpdateMs. Add
// may be called by any thread, the rest by one.
class EwmaRate {
 public:
  void Add(double events) { events_.fetch_add(events, std::memory_order_relaxed); }
  void Tick();
  double rate() const { return rate_; }

 private:
  std::atomic<double> events_{0};
  double rate_ = 0;
  bool begun_ = false;
};

struct ShardInputs {
  double in_rate = 0;           // samples per second read from the WAL
  double out_rate = 0;          // sent, whether they were taken or refused
  double dropped_rate = 0;      // left out by relabelling or age
  double out_seconds_rate = 0;  // seconds spent sending, per second
  double behind_seconds = 0;    // newest sample of the WAL against newest sample sent
  int shards = 1, min_shards = 1, max_shards = 1;
};

struct ShardPlan {
  int shards = 1;      // to run from now on
  double desired = 0;  // before tolerance and bounds; for the metric
};

// Keeps the present number within 30 % of the wish, when nothing was sent, and instead of shrinking
// while more than ten seconds behind.
ShardPlan PlanShards(const ShardInputs& in);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SHARD_PLANNER_H_
