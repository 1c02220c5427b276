#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"

namespace deucalion {
namespace {

using namespace std::chrono_literals;

void WaitFor(const std::atomic<int>& count, int want) {
  while (count.load() < want) std::this_thread::sleep_for(1ms);
}

TEST(SharedMutexTest, ReadersShareAndAWriterIsAlone) {
  SharedMutex mu;
  std::atomic<int> inside{0}, most{0};
  int written = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      const ReaderLock lock(mu);
      inside.fetch_add(1);
      WaitFor(inside, 4);  // ends only when all four are in
      most.store(4);
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(most.load(), 4);
  threads.clear();
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10'000; k++) {
        const WriterLock lock(mu);
        written++;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(written, 40'000);
}

TEST(SharedMutexTest, AWriterComesInThoughThereIsAlwaysAReader) {
  SharedMutex mu;
  std::atomic<bool> stop{false};
  std::atomic<int> reading{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; i++) {
    readers.emplace_back([&, i] {
      std::this_thread::sleep_for(1ms * i);
      while (!stop.load()) {
        const ReaderLock lock(mu);
        reading.fetch_add(1);
        std::this_thread::sleep_for(4ms);
      }
    });
  }
  WaitFor(reading, 4);
  const auto begin = std::chrono::steady_clock::now();
  std::thread watchdog([&] {
    while (!stop.load() && std::chrono::steady_clock::now() - begin < 5s) {
      std::this_thread::sleep_for(1ms);
    }
    stop.store(true);  // lets a starving writer in, and the test fail
  });
  for (int k = 0; k < 20; k++) {
    const WriterLock lock(mu);
    reading.store(0);
  }
  // Nor do readers starve.
  while (reading.load() < 4 && !stop.load()) std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(stop.exchange(true)) << "somebody waited for five seconds";
  for (std::thread& t : readers) t.join();
  watchdog.join();
}

}  // namespace
}  // namespace deucalion
