#include "base/worker_pool.h"

#include <pthread.h>

#include <atomic>
#include <memory>
#include <utility>

namespace deucalion {

WorkerPool::WorkerPool(std::string name, size_t threads, size_t max_queue)
    : name_(std::move(name)), max_queue_(max_queue) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; i++) threads_.emplace_back([this] { Run(); });
}

WorkerPool::~WorkerPool() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
}

bool WorkerPool::Submit(std::function<void()> task) {
  {
    MutexLock lock(mu_);
    if (stopping_ || (max_queue_ != 0 && queue_.size() >= max_queue_)) return false;
    queue_.push_back(std::move(task));
  }
  wake_.NotifyOne();
  return true;
}

size_t WorkerPool::queued() const {
  MutexLock lock(mu_);
  return queue_.size();
}

void WorkerPool::Run() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  for (;;) {
    std::function<void()> task;
    {
      MutexLock lock(mu_);
      while (queue_.empty() && !stopping_) wake_.Wait(mu_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

namespace {

// One ParallelFor: shared by the caller and by tasks that may start after it has returned.
struct Loop {
  size_t n = 0;
  const std::function<void(size_t)>* body = nullptr;  // alive while next < n can still be true
  std::atomic<size_t> next{0};
  Mutex mu;
  CondVar done_changed;
  size_t done GUARDED_BY(mu) = 0;

  void Work() {
    size_t finished = 0;
    for (size_t i; (i = next.fetch_add(1)) < n; finished++) (*body)(i);
    if (finished == 0) return;
    MutexLock lock(mu);
    done += finished;
    if (done == n) done_changed.NotifyAll();
  }
};

}  // namespace

void WorkerPool::ParallelFor(size_t n, const std::function<void(size_t)>& body) {
  if (n <= 1 || threads_.empty()) {
    for (size_t i = 0; i < n; i++) body(i);
    return;
  }
  auto loop = std::make_shared<Loop>();
  loop->n = n;
  loop->body = &body;
  for (size_t i = 0; i < std::min(n - 1, threads_.size()); i++) {
    if (!Submit([loop] { loop->Work(); })) break;
  }
  loop->Work();
  MutexLock lock(loop->mu);
  while (loop->done != n) loop->done_changed.Wait(loop->mu);
}

}  // namespace deucalion
