#include "server/http/request_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace deucalion::http {
namespace {

TEST(RequestPoolTest, RunsEveryTaskOnceWhoeverSubmitsIt) {
  constexpr int kProducers = 4, kTasks = 5'000;
  std::vector<std::atomic<int>> runs(kProducers * kTasks);
  {
    RequestPool pool("test", 8);
    std::vector<std::jthread> producers;
    for (int p = 0; p < kProducers; p++) {
      producers.emplace_back([&, p] {
        for (int i = 0; i < kTasks; i++) {
          pool.Submit([&runs, at = p * kTasks + i] { runs[at]++; });
          if (i % 100 == 0) std::this_thread::yield();
        }
      });
    }
  }
  for (const auto& run : runs) ASSERT_EQ(run.load(), 1);
}

TEST(RequestPoolTest, TasksThatWaitForEachOtherAllGetAThread) {
  RequestPool pool("test", 6);
  // Again after threads have gone to sleep, and at once after a burst of small tasks.
  for (int round = 0; round < 200; round++) {
    std::latch all(6), done(6);
    if (round % 2 == 0) pool.Submit([] {});
    for (int i = 0; i < 6; i++) {
      pool.Submit([&] {
        all.arrive_and_wait();
        done.count_down();
      });
    }
    done.wait();
  }
}

TEST(RequestPoolTest, EndsWhenThereIsNothingToDo) {
  for (int i = 0; i < 20; i++) RequestPool pool("test", 3);
}

}  // namespace
}  // namespace deucalion::http
