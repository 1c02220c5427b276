#include "scrape/loop/scheduler.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace deucalion::scrape {
namespace {

class ThreadScheduler final : public Scheduler {
 public:
  ThreadScheduler() : thread_([this] { Run(); }) {}
  ~ThreadScheduler() override { Stop(); }

  void Stop() override {
    std::vector<Timer> dropped;  // destroyed outside the lock: what they hold may call back
    {
      MutexLock lock(mu_);
      stopping_ = true;
      dropped.swap(timers_);
    }
    wake_.NotifyAll();
    if (thread_.joinable()) thread_.join();
  }

  void At(int64_t at_ns, std::function<void()> task) override {
    MutexLock lock(mu_);
    if (stopping_) return;
    timers_.push_back({at_ns, next_order_++, std::move(task)});
    std::ranges::push_heap(timers_, Later{});
    if (timers_.front().at_ns == at_ns) wake_.NotifyOne();
  }

 private:
  struct Timer {
    int64_t at_ns;
    uint64_t order;
    std::function<void()> task;
  };
  struct Later {
    bool operator()(const Timer& a, const Timer& b) const {
      return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.order > b.order;
    }
  };

  void Run() {
    pthread_setname_np(pthread_self(), "scheduler");
    for (;;) {
      std::function<void()> task = Next();
      if (!task) return;
      task();
    }
  }

  // Waits for the next due task; none when stopping.
  std::function<void()> Next() EXCLUDES(mu_) {
    MutexLock lock(mu_);
    for (;;) {
      if (stopping_) return nullptr;
      if (timers_.empty()) {
        wake_.Wait(mu_);
        continue;
      }
      const int64_t left_ns = timers_.front().at_ns - Clock::Real()->MonotonicNs();
      if (left_ns > 0) {
        wake_.WaitFor(mu_, std::chrono::nanoseconds(left_ns));
        continue;
      }
      std::ranges::pop_heap(timers_, Later{});
      std::function<void()> task = std::move(timers_.back().task);
      timers_.pop_back();
      return task;
    }
  }

  Mutex mu_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mu_) = false;
  uint64_t next_order_ GUARDED_BY(mu_) = 0;
  std::vector<Timer> timers_ GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Scheduler> NewScheduler() { return std::make_unique<ThreadScheduler>(); }

void ManualScheduler::At(int64_t at_ns, std::function<void()> task) {
  MutexLock lock(mu_);
  timers_.push_back({at_ns, next_order_++, std::move(task)});
}

void ManualScheduler::Stop() {
  std::vector<Timer> dropped;
  MutexLock lock(mu_);
  dropped.swap(timers_);
}

ManualScheduler::Timer ManualScheduler::Pop(int64_t until_ns) {
  MutexLock lock(mu_);
  const auto first = std::ranges::min_element(timers_, [](const Timer& a, const Timer& b) {
    return a.at_ns != b.at_ns ? a.at_ns < b.at_ns : a.order < b.order;
  });
  if (first == timers_.end() || first->at_ns > until_ns) return {0, 0, nullptr};
  Timer timer = std::move(*first);
  timers_.erase(first);
  return timer;
}

void ManualScheduler::Advance(int64_t ms) {
  const int64_t end_ns = clock_->MonotonicNs() + ms * 1'000'000;
  for (;;) {
    Timer timer = Pop(end_ns);
    if (!timer.task) break;
    // The manual clock counts milliseconds: a task never runs early.
    const int64_t ahead_ns = timer.at_ns - clock_->MonotonicNs();
    if (ahead_ns > 0) clock_->AdvanceMs((ahead_ns + 999'999) / 1'000'000);
    timer.task();
  }
  const int64_t left_ns = end_ns - clock_->MonotonicNs();
  if (left_ns > 0) clock_->AdvanceMs(left_ns / 1'000'000);
}

}  // namespace deucalion::scrape
