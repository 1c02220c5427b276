// Scheduler: runs functions at given monotonic times. What loops and discoverers wait with, so that
// tests can move time by hand. Thread-safe.
#ifndef DEUCALION_SCRAPE_LOOP_SCHEDULER_H_
#define DEUCALION_SCRAPE_LOOP_SCHEDULER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"

namespace deucalion::scrape {

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // Runs `task` once the clock's monotonic time reaches `at_ns`, in order of time. Tasks must be
  // short: they share one thread. There is no cancelling: a task finds out itself that it came too
  // late.
  virtual void At(int64_t at_ns, std::function<void()> task) = 0;
  // Drops what is not due yet and everything that still comes; no task runs once it has returned.
  // For an orderly end: those whom tasks call can go while the scheduler is still there to be
  // called.
  virtual void Stop() = 0;
};

// One thread.
std::unique_ptr<Scheduler> NewScheduler();

// For tests: tasks run inside RunDue, on the caller's thread.
class ManualScheduler final : public Scheduler {
 public:
  explicit ManualScheduler(ManualClock* clock) : clock_(clock) {}
  void At(int64_t at_ns, std::function<void()> task) override EXCLUDES(mu_);
  void Stop() override EXCLUDES(mu_);
  // Moves the clock ahead to each task that falls due within `ms` from now, runs it there, and ends
  // `ms` later.
  void Advance(int64_t ms) EXCLUDES(mu_);

 private:
  struct Timer {
    int64_t at_ns;
    uint64_t order;
    std::function<void()> task;
  };
  // The earliest timer at or before `until_ns`; an empty task if there is none.
  Timer Pop(int64_t until_ns) EXCLUDES(mu_);

  ManualClock* const clock_;
  Mutex mu_;
  uint64_t next_order_ GUARDED_BY(mu_) = 0;
  std::vector<Timer> timers_ GUARDED_BY(mu_);
};

}  // namespace deucalion::scrape

#endif  // DEUCALION_SCRAPE_LOOP_SCHEDULER_H_
