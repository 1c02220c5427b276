// ChangeLog: which times of the past were changed, for those who keep results computed from it.
//
// A change is entered when it has become visible and before it is acknowledged: who asks for
// Newest() of a range, then reads the range, then asks again and gets the same, has read what is
// there now. Thread-safe.
#ifndef DEUCALION_TSDB_HEAD_CHANGE_LOG_H_
#define DEUCALION_TSDB_HEAD_CHANGE_LOG_H_

#include <algorithm>
#include <cstdint>
#include <deque>

#include "base/thread_annotations.h"

namespace deucalion::tsdb {

class ChangeLog {
 public:
  // Something within [min_ms, max_ms] has changed.
  void Add(int64_t min_ms, int64_t max_ms) EXCLUDES(mu_) {
    MutexLock lock(mu_);
    const uint64_t number = ++newest_;
    // Changes that follow each other at one place are one.
    if (!entries_.empty() && entries_.back().min_ms <= min_ms && max_ms <= entries_.back().max_ms) {
      entries_.back().number = number;
      return;
    }
    entries_.push_back({min_ms, max_ms, number});
    if (entries_.size() <= kEntries) return;
    forgotten_ = entries_.front().number;
    entries_.pop_front();
  }

  // Grows with every change that touches [min_ms, max_ms]; may grow with others.
  uint64_t Newest(int64_t min_ms, int64_t max_ms) const EXCLUDES(mu_) {
    MutexLock lock(mu_);
    for (auto e = entries_.rbegin(); e != entries_.rend(); ++e) {
      if (e->min_ms <= max_ms && min_ms <= e->max_ms) return e->number;
    }
    return forgotten_;
  }

 private:
  // Older ones count as changes of everything.
  static constexpr size_t kEntries = 256;
  struct Entry {
    int64_t min_ms, max_ms;
    uint64_t number;
  };
  mutable Mutex mu_;
  std::deque<Entry> entries_ GUARDED_BY(mu_);  // ascending by number
  uint64_t newest_ GUARDED_BY(mu_) = 0;
  uint64_t forgotten_ GUARDED_BY(mu_) = 0;  // number of the newest change that is not in entries_
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_CHANGE_LOG_H_
