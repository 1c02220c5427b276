// WorkerPool: a fixed number of threads and a bounded queue. Thread-safe.
#ifndef DEUCALION_BASE_WORKER_POOL_H_
#define DEUCALION_BASE_WORKER_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"

namespace deucalion {

class WorkerPool {
 public:
  // `name` (at most 15 bytes) is what `top -H` shows. `max_queue` 0 = unbounded.
  WorkerPool(std::string name, size_t threads, size_t max_queue = 0);
  // Finishes what is queued.
  ~WorkerPool();

  // False when the queue is full or the pool is stopping: `task` was not taken.
  bool Submit(std::function<void()> task) EXCLUDES(mu_);
  // Runs body(0..n-1) on the pool and on the calling thread; returns when all are done. The caller
  // always makes progress itself, so this is safe from inside a task of the same pool.
  void ParallelFor(size_t n, const std::function<void(size_t)>& body) EXCLUDES(mu_);

  size_t threads() const { return threads_.size(); }
  size_t queued() const EXCLUDES(mu_);

 private:
  void Run();

  const std::string name_;
  const size_t max_queue_;
  mutable Mutex mu_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mu_);
  bool stopping_ GUARDED_BY(mu_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace deucalion

#endif  // DEUCALION_BASE_WORKER_POOL_H_
