// RequestPool: threads for requests, most of which take microseconds.
//
// Waking a thread costs more than answering a small query, and a loop that hands out eight requests
// would wake eight threads. So at most one thread is being woken at a time; whoever takes a request
// and sees more waiting wakes the next. And a thread that runs out of work looks for more for a
// moment (kSpin) before it sleeps; at most one at a time does, so an idle pool costs nothing.
//
// Thread-safe. base/worker_pool.h is the plain version, for fewer and longer tasks.
#ifndef DEUCALION_SERVER_HTTP_REQUEST_POOL_H_
#define DEUCALION_SERVER_HTTP_REQUEST_POOL_H_

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"

namespace deucalion::http {

class RequestPool {
 public:
  // `name` (at most 15 bytes) is what `top -H` shows.
  RequestPool(std::string name, size_t threads);
  // Finishes what is queued.
  ~RequestPool();

  void Submit(std::function<void()> task) EXCLUDES(mu_);

 private:
  void Run();
  // Waits for work; false when the pool ends and the queue is empty.
  bool Take(std::function<void()>* task) EXCLUDES(mu_);
  // Looks at the queue without the lock for a moment: true when there may be work.
  bool Spin();
  // True when the caller is to notify a sleeping thread, once it has let go of the lock.
  bool NeedsWake() REQUIRES(mu_);

  const std::string name_;
  Mutex mu_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mu_);
  size_t sleeping_ GUARDED_BY(mu_) = 0;
  bool waking_ GUARDED_BY(mu_) = false;  // notified, not yet here
  bool stopping_ GUARDED_BY(mu_) = false;
  std::atomic<size_t> pending_{0};  // queue_.size(), for those without the lock
  std::atomic<bool> spinning_{false};
  std::vector<std::jthread> threads_;
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_REQUEST_POOL_H_
