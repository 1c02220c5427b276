// Lets so many remote reads compute at once; the others wait.
//
// A slot is held while a piece of an answer is made, never while a client is being waited for: slow
// readers cost no slot, and a thread that waits here always waits for one that runs.
#ifndef DEUCALION_SERVER_REMOTE_READ_GATE_H_
#define DEUCALION_SERVER_REMOTE_READ_GATE_H_

#include "base/cancel.h"
#include "base/metrics.h"
#include "base/status.h"
#include "base/thread_annotations.h"

namespace deucalion::remote {

// Thread-safe.
class ReadGate {
 public:
  // 0 = no limit. `wait_seconds` observes how long each Enter took and must outlive the gate.
  ReadGate(size_t limit, HistogramMetric* wait_seconds)
      : limit_(limit), wait_seconds_(wait_seconds) {}

  // Fails when `cancel` does, before a slot was free; else Leave must follow.
  Status Enter(const CancelToken& cancel) EXCLUDES(mu_);
  void Leave() EXCLUDES(mu_);

 private:
  const size_t limit_;
  HistogramMetric* const wait_seconds_;
  Mutex mu_;
  CondVar freed_;
  size_t inside_ GUARDED_BY(mu_) = 0;
};

// Leaves on destruction what was entered.
class ReadSlot {
 public:
  explicit ReadSlot(ReadGate* gate) : gate_(gate) {}
  ~ReadSlot() { gate_->Leave(); }
  ReadSlot(const ReadSlot&) = delete;
  ReadSlot& operator=(const ReadSlot&) = delete;

 private:
  ReadGate* const gate_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_READ_GATE_H_
