#include "server/http/request_pool.h"

#include <pthread.h>

#include <utility>

#include "base/clock.h"

namespace deucalion::http {
namespace {

// About what putting a thread to sleep and waking it costs.
constexpr int64_t kSpinNs = 30'000;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

RequestPool::RequestPool(std::string name, size_t threads) : name_(std::move(name)) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; i++) threads_.emplace_back([this] { Run(); });
}

RequestPool::~RequestPool() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
}

bool RequestPool::NeedsWake() {
  if (queue_.empty() || sleeping_ == 0 || waking_ || spinning_.load()) return false;
  waking_ = true;
  return true;
}

void RequestPool::Submit(std::function<void()> task) {
  bool wake = false;
  {
    MutexLock lock(mu_);
    queue_.push_back(std::move(task));
    pending_.store(queue_.size());
    wake = NeedsWake();
  }
  if (wake) wake_.NotifyOne();
}

bool RequestPool::Spin() {
  bool expected = false;
  if (!spinning_.compare_exchange_strong(expected, true)) return false;
  const int64_t end_ns = Clock::Real()->MonotonicNs() + kSpinNs;
  bool found = false;
  do {
    for (int i = 0; i < 50 && !found; i++) {
      found = pending_.load() != 0;
      Pause();
    }
  } while (!found && Clock::Real()->MonotonicNs() < end_ns);
  // From here on Submit wakes a thread again; what it queued before is seen under the lock.
  spinning_.store(false);
  return found;
}

bool RequestPool::Take(std::function<void()>* task) {
  bool wake = false;
  bool taken = false;
  {
    MutexLock lock(mu_);
    while (queue_.empty() && !stopping_) {
      sleeping_++;
      wake_.Wait(mu_);
      sleeping_--;
      waking_ = false;
    }
    if (!queue_.empty()) {
      *task = std::move(queue_.front());
      queue_.pop_front();
      pending_.store(queue_.size());
      taken = true;
      wake = NeedsWake();
    }
  }
  if (wake) wake_.NotifyOne();
  return taken;
}

void RequestPool::Run() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  std::function<void()> task;
  while (Take(&task)) {
    task();
    task = nullptr;
    if (pending_.load() == 0) (void)Spin();
  }
}

}  // namespace deucalion::http
