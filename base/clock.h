// Time, so that tests can freeze it. Wall time is Unix milliseconds; monotonic time only measures
// intervals. All implementations are thread-safe.
#ifndef DEUCALION_BASE_CLOCK_H_
#define DEUCALION_BASE_CLOCK_H_

#include <atomic>
#include <cstdint>

namespace deucalion {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowMs() const = 0;
  virtual int64_t MonotonicNs() const = 0;
  // Lives for the whole process.
  static Clock* Real();
};

// Stands still until it is moved.
class ManualClock : public Clock {
 public:
  explicit ManualClock(int64_t now_ms = 0) : now_ms_(now_ms) {}
  int64_t NowMs() const override { return now_ms_.load(); }
  int64_t MonotonicNs() const override { return monotonic_ms_.load() * 1'000'000; }
  void AdvanceMs(int64_t ms) {
    now_ms_ += ms;
    monotonic_ms_ += ms;
  }
  // Wall time only: the clock of a machine may jump back.
  void SetWallMs(int64_t ms) { now_ms_ = ms; }

 private:
  std::atomic<int64_t> now_ms_;
  std::atomic<int64_t> monotonic_ms_{0};
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_CLOCK_H_
