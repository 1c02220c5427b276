// CancelToken: how work learns that nobody waits for it any more (client gone, deadline, shutdown).
// Copies share one state. Thread-safe. Check() is a relaxed load and, every call, a clock read only
// when a deadline is set: call it once per batch, not per sample.
#ifndef DEUCALION_BASE_CANCEL_H_
#define DEUCALION_BASE_CANCEL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace deucalion {

class CancelToken {
 public:
  // Never cancelled unless Cancel() is called; no deadline.
  CancelToken() : state_(std::make_shared<State>()) {}
  // Never cancelled at all: stands for a token that comes later, and costs nothing. Not to be told
  // to Cancel().
  static CancelToken Never() { return CancelToken(nullptr); }
  // `deadline_ns` in the clock's monotonic time; 0 = none. `clock` must outlive all copies.
  // Cancelled with `client` too, which may be null.
  CancelToken(const Clock* clock, int64_t deadline_ns, const CancelToken* client = nullptr)
      : CancelToken() {
    state_->clock = clock;
    state_->deadline_ns = deadline_ns;
    if (client != nullptr) state_->client = client->state_;
  }

  void Cancel() { state_->canceled.store(true, std::memory_order_relaxed); }
  bool canceled() const {
    if (state_ == nullptr) return false;
    return state_->canceled.load(std::memory_order_relaxed) ||
           (state_->client != nullptr && state_->client->canceled.load(std::memory_order_relaxed));
  }
  bool expired() const {
    return state_ != nullptr && state_->deadline_ns != 0 &&
           state_->clock->MonotonicNs() >= state_->deadline_ns;
  }
  // kCanceled, kDeadlineExceeded or OK.
  Status Check() const {
    if (canceled()) return Status(StatusCode::kCanceled, "canceled");
    if (expired()) return Status(StatusCode::kDeadlineExceeded, "deadline exceeded");
    return OkStatus();
  }

 private:
  explicit CancelToken(std::nullptr_t) {}

  struct State {
    std::atomic<bool> canceled{false};
    const Clock* clock = nullptr;
    int64_t deadline_ns = 0;
    std::shared_ptr<const State> client;
  };
  std::shared_ptr<State> state_;
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_CANCEL_H_
