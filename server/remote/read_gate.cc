#include "server/remote/read_gate.h"

#include <chrono>

namespace deucalion::remote {
namespace {

// A cancelled token wakes nobody: how long a reader that has gone may keep its place in the queue.
constexpr std::chrono::milliseconds kLookAgain{100};

}  // namespace

Status ReadGate::Enter(const CancelToken& cancel) {
  const auto begin = std::chrono::steady_clock::now();
  {
    MutexLock lock(mu_);
    while (limit_ != 0 && inside_ >= limit_) {
      RETURN_IF_ERROR(cancel.Check());
      freed_.WaitFor(mu_, kLookAgain);
    }
    inside_++;
  }
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
  wait_seconds_->Observe(waited.count());
  return OkStatus();
}

void ReadGate::Leave() {
  MutexLock lock(mu_);
  inside_--;
  freed_.NotifyOne();
}

}  // namespace deucalion::remote
