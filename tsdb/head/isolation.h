// Isolation: which commits a reader sees; and EpochPins: when memory that left the head may be
// reused.
#ifndef DEUCALION_TSDB_HEAD_ISOLATION_H_
#define DEUCALION_TSDB_HEAD_ISOLATION_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"

namespace deucalion::tsdb {

// One counter over all shards. A commit takes a number, changes series, and publishes; the
// watermark is the number below which (inclusive) every commit has published. A reader at watermark
// W ignores what commits above W did. Thread-safe.
class Isolation {
 public:
  uint64_t Begin() EXCLUDES(mu_) {
    MutexLock lock(mu_);
    const uint64_t commit = ++newest_;
    running_.insert(commit);
    return commit;
  }
  // Returns when the commit, and so every earlier one, is visible to new readers.
  void Publish(uint64_t commit) EXCLUDES(mu_) {
    MutexLock lock(mu_);
    running_.erase(commit);
    Advance();
    published_.NotifyAll();
    while (watermark_ < commit) published_.Wait(mu_);
  }
  uint64_t OpenReader() EXCLUDES(mu_) {
    MutexLock lock(mu_);
    readers_.push_back(watermark_);  // it never falls
    return watermark_;
  }
  void CloseReader(uint64_t watermark) EXCLUDES(mu_) {
    MutexLock lock(mu_);
    readers_.erase(std::lower_bound(readers_.begin(), readers_.end(), watermark));
  }
  // The watermarks at which anybody reads or may begin to read: those of open readers, ascending,
  // then the present one.
  std::vector<uint64_t> Watermarks() const EXCLUDES(mu_) {
    MutexLock lock(mu_);
    std::vector<uint64_t> all(readers_.begin(), readers_.end());
    all.push_back(watermark_);
    return all;
  }
  // The newest commit that has begun.
  uint64_t newest() const EXCLUDES(mu_) {
    MutexLock lock(mu_);
    return newest_;
  }
  uint64_t watermark() const EXCLUDES(mu_) {
    MutexLock lock(mu_);
    return watermark_;
  }

 private:
  void Advance() REQUIRES(mu_) { watermark_ = running_.empty() ? newest_ : *running_.begin() - 1; }

  mutable Mutex mu_;
  CondVar published_;
  uint64_t newest_ GUARDED_BY(mu_) = 0;
  uint64_t watermark_ GUARDED_BY(mu_) = 0;
  std::set<uint64_t> running_ GUARDED_BY(mu_);
  std::vector<uint64_t> readers_ GUARDED_BY(mu_);  // ascending, one each
};

// Appenders and queriers pin the head while they may hold slots, labels or mapped chunks. What is
// retired is freed when every pin that existed then is gone. Thread-safe.
class EpochPins {
 public:
  uint64_t Pin() EXCLUDES(mu_) {
    MutexLock lock(mu_);
    pins_.push_back(++newest_);
    return newest_;
  }
  void Unpin(uint64_t pin) EXCLUDES(mu_) {
    MutexLock lock(mu_);
    pins_.erase(std::lower_bound(pins_.begin(), pins_.end(), pin));
    gone_.NotifyAll();
  }
  // `free` runs in a later Reclaim().
  void Retire(std::function<void()> free) EXCLUDES(mu_) {
    MutexLock lock(mu_);
    retired_.emplace_back(newest_, std::move(free));
  }
  // Frees what nobody can hold any more.
  void Reclaim() EXCLUDES(mu_) {
    std::vector<std::function<void()>> ready;
    {
      MutexLock lock(mu_);
      std::erase_if(retired_, [&](auto& entry) REQUIRES(mu_) {
        if (!pins_.empty() && pins_.front() <= entry.first) return false;
        ready.push_back(std::move(entry.second));
        return true;
      });
    }
    for (auto& free : ready) free();
  }
  size_t size() const EXCLUDES(mu_) {
    MutexLock lock(mu_);
    return pins_.size();
  }
  // Returns when every pin that exists now is gone.
  void WaitForPresent() EXCLUDES(mu_) {
    MutexLock lock(mu_);
    const uint64_t newest = newest_;
    while (!pins_.empty() && pins_.front() <= newest) gone_.Wait(mu_);
  }

 private:
  mutable Mutex mu_;
  CondVar gone_;
  uint64_t newest_ GUARDED_BY(mu_) = 0;
  std::vector<uint64_t> pins_ GUARDED_BY(mu_);  // ascending
  std::vector<std::pair<uint64_t, std::function<void()>>> retired_ GUARDED_BY(mu_);
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_ISOLATION_H_
