// Renewed<T>: a token or key that somebody hands out for a while: fetched when it is first needed
// and again some time before it expires. Whoever asks meanwhile waits for the one fetch under way.
// While what is there is still valid, a fetch that fails does no harm: it is tried again later.
//
// Thread-safe; must be owned by a shared_ptr, for answers that come late.
#ifndef DEUCALION_SERVER_REMOTE_AUTH_RENEWED_H_
#define DEUCALION_SERVER_REMOTE_AUTH_RENEWED_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "base/thread_annotations.h"

namespace deucalion::remote {

constexpr int64_t kNeverMs = std::numeric_limits<int64_t>::max();

template <typename T>
struct Fresh {
  T value;
  int64_t renew_ms = kNeverMs;    // from then on another one is fetched
  int64_t expires_ms = kNeverMs;  // from then on this one is worth nothing
};

template <typename T>
class Renewed : public std::enable_shared_from_this<Renewed<T>> {
 public:
  using Done = std::function<void(Result<T>)>;
  // Calls back once, on any thread, perhaps at once.
  using Fetch = std::function<void(std::function<void(Result<Fresh<T>>)>)>;

  Renewed(Fetch fetch, const Clock* clock) : fetch_(std::move(fetch)), clock_(clock) {}

  // `done` is called once, on any thread, perhaps at once.
  void Get(Done done) EXCLUDES(mu_) {
    std::optional<T> value;
    bool begin = false;
    {
      MutexLock lock(mu_);
      if (fresh_.has_value() && clock_->NowMs() < fresh_->renew_ms) {
        value = fresh_->value;
      } else {
        begin = waiting_.empty();
        waiting_.push_back(std::move(done));
      }
    }
    if (value.has_value()) {
      done(*std::move(value));
    } else if (begin) {
      fetch_([self = this->shared_from_this()](Result<Fresh<T>> fetched) {
        self->Settle(std::move(fetched));
      });
    }
  }

 private:
  // What is still valid is used so much longer when there is no other.
  static constexpr int64_t kRetryMs = 10'000;

  void Settle(Result<Fresh<T>> fetched) EXCLUDES(mu_) {
    std::vector<Done> waiting;
    Result<T> value = fetched.ok() ? Result<T>(fetched->value) : Result<T>(fetched.status());
    {
      MutexLock lock(mu_);
      waiting.swap(waiting_);
      const int64_t now_ms = clock_->NowMs();
      if (fetched.ok()) {
        fresh_ = std::move(*fetched);
      } else if (fresh_.has_value() && now_ms < fresh_->expires_ms) {
        fresh_->renew_ms = std::min(now_ms + kRetryMs, fresh_->expires_ms);
        value = fresh_->value;
      }
    }
    for (Done& done : waiting) done(value);
  }

  const Fetch fetch_;
  const Clock* const clock_;

  Mutex mu_;
  std::optional<Fresh<T>> fresh_ GUARDED_BY(mu_);
  std::vector<Done> waiting_ GUARDED_BY(mu_);
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_AUTH_RENEWED_H_
