#include "promql/query_gate.h"

#include <chrono>

namespace deucalion::promql {

Status QueryGate::Enter(const CancelToken& deadline, const CancelToken* client) {
  if (limit_ <= 0) return OkStatus();
  MutexLock lock(mu_);
  if (running_ < limit_ && waiting_.empty()) {
    running_++;
    return OkStatus();
  }
  Waiter self;
  waiting_.push_back(&self);
  while (!self.admitted) {
    Status status = deadline.Check();
    if (status.ok() && client != nullptr) status = client->Check();
    if (!status.ok()) {
      waiting_.remove(&self);
      return status;
    }
    // Tokens cannot wake us: look at them now and then.
    changed_.WaitFor(mu_, std::chrono::milliseconds(20));
  }
  return OkStatus();
}

void QueryGate::Leave() {
  if (limit_ <= 0) return;
  MutexLock lock(mu_);
  if (waiting_.empty()) {
    running_--;
    return;
  }
  // The place goes to the first in the queue.
  waiting_.front()->admitted = true;
  waiting_.pop_front();
  changed_.NotifyAll();
}

}  // namespace deucalion::promql
