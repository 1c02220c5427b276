#include "scrape/loop/scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace deucalion::scrape {
namespace {

constexpr int64_t kMs = 1'000'000;

int64_t Now() { return Clock::Real()->MonotonicNs(); }

class SchedulerTest : public testing::Test {
 protected:
  std::unique_ptr<Scheduler> scheduler_ = NewScheduler();
};

TEST_F(SchedulerTest, RunsTasksInTheOrderOfTheirTimesAndNeverEarly) {
  const int64_t now = Now();
  std::vector<int> order;  // of the event thread until `done`
  std::atomic<bool> early{false};
  std::promise<void> done;
  const auto at = [&](int ms, int name) {
    scheduler_->At(now + ms * kMs, [&, due = now + ms * kMs, name] {
      if (Now() < due) early = true;
      order.push_back(name);
    });
  };
  at(30, 3);
  at(10, 1);  // earlier than what the thread waits for
  at(20, 2);
  at(10, 11);  // after the other of the same time
  at(-5, 0);
  scheduler_->At(now + 40 * kMs, [&done] { done.set_value(); });
  ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 11, 2, 3}));
  EXPECT_FALSE(early);
}

TEST_F(SchedulerTest, ATaskMaySetTheNext) {
  std::promise<std::thread::id> first, second;
  scheduler_->At(Now(), [&] {
    first.set_value(std::this_thread::get_id());
    scheduler_->At(Now() + kMs, [&] { second.set_value(std::this_thread::get_id()); });
  });
  EXPECT_EQ(first.get_future().get(), second.get_future().get());
}

TEST_F(SchedulerTest, NothingRunsOnceItIsStopped) {
  std::promise<void> begun;
  std::atomic<int> running{0}, after{0};
  std::atomic<bool> stopped{false};
  scheduler_->At(Now(), [&] {
    begun.set_value();
    running = 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    running = 0;
  });
  for (int i = 0; i < 100; i++) {
    scheduler_->At(Now() + (i % 50) * kMs, [&] { after += stopped ? 1 : 0; });
  }
  begun.get_future().wait();
  scheduler_->Stop();
  stopped = true;
  EXPECT_EQ(running, 0);  // what was running has ended
  scheduler_->At(Now(), [&] { after++; });
  scheduler_->Stop();
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(after, 0);
}

TEST_F(SchedulerTest, ManyThreadsMaySetTimesWhileItIsStopped) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([this] {
      for (int i = 0; i < 2000; i++) scheduler_->At(Now() - i, [] {});
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  scheduler_->Stop();
}

}  // namespace
}  // namespace deucalion::scrape
