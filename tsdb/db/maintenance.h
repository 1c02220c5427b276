// Maintenance: the two background threads of a Db. One cuts the head and adopts foreign blocks,
// once a minute and when asked; the other compacts and applies retention, at most half of one core.
//
// Errors are logged and tried again; they never stop the threads. Thread-safe.
#ifndef DEUCALION_TSDB_DB_MAINTENANCE_H_
#define DEUCALION_TSDB_DB_MAINTENANCE_H_

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "base/cancel.h"
#include "base/log.h"
#include "base/status.h"
#include "base/thread_annotations.h"

namespace deucalion::tsdb {

class Maintenance {
 public:
  using Throttle = std::function<void(uint64_t samples)>;
  // `cut` does whatever is due on the head; `compact` does one compaction step and returns whether
  // there may be more. Both must be callable until Stop returns.
  Maintenance(Logger* logger, std::function<Status()> cut,
              std::function<Result<bool>(const CancelToken*, const Throttle&)> compact);
  ~Maintenance() { Stop(); }

  // Look now instead of within the minute.
  void Wake() EXCLUDES(mu_);
  // Cancels what runs and waits for it. Idempotent.
  void Stop() EXCLUDES(mu_);

 private:
  void CutLoop();
  void CompactLoop();
  // False when stopping.
  bool Pause(std::chrono::milliseconds time, uint64_t* seen_wakes) EXCLUDES(mu_);

  Logger* const logger_;
  const std::function<Status()> cut_;
  const std::function<Result<bool>(const CancelToken*, const Throttle&)> compact_;
  CancelToken cancel_;
  Mutex mu_;
  CondVar wake_;
  uint64_t wakes_ GUARDED_BY(mu_) = 0;
  bool stopping_ GUARDED_BY(mu_) = false;
  std::jthread cutter_, compactor_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_MAINTENANCE_H_
