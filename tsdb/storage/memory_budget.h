// MemoryBudget: the bytes that whoever asks for something may hold. A query hands its own to the
// Querier it reads from, for what that must hold on its behalf.
#ifndef DEUCALION_TSDB_STORAGE_MEMORY_BUDGET_H_
#define DEUCALION_TSDB_STORAGE_MEMORY_BUDGET_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "base/status.h"

namespace deucalion {

// Thread-safe.
class MemoryBudget {
 public:
  virtual ~MemoryBudget() = default;
  // kResourceExhausted when that is more than may be held. Counts also then: what was asked for is
  // given back whatever the answer was.
  virtual Status AddBytes(uint64_t n) = 0;
  virtual void ReleaseBytes(uint64_t n) = 0;
  // What could be added at this moment.
  virtual uint64_t LeftBytes() const = 0;
};

// Bytes of a budget, given back when this goes. The budget must outlive it. Thread-compatible.
class MemoryCharge {
 public:
  explicit MemoryCharge(MemoryBudget* budget) : budget_(budget) {}
  MemoryCharge(MemoryCharge&& other) noexcept
      : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryCharge& operator=(MemoryCharge&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MemoryCharge() {
    if (bytes_ > 0) budget_->ReleaseBytes(bytes_);
  }

  Status Add(uint64_t n) {
    bytes_ += n;
    return budget_->AddBytes(n);
  }
  MemoryBudget* budget() const { return budget_; }
  uint64_t bytes() const { return bytes_; }

 private:
  MemoryBudget* budget_;
  uint64_t bytes_ = 0;
};

// So many bytes, for whoever shares it.
class FixedBudget final : public MemoryBudget {
 public:
  // `what` begins the message of the error: "what remote servers answered".
  FixedBudget(std::string what, uint64_t limit_bytes)
      : what_(std::move(what)), limit_bytes_(limit_bytes) {}

  Status AddBytes(uint64_t n) override {
    if (used_.fetch_add(n, std::memory_order_relaxed) + n <= limit_bytes_) return OkStatus();
    return ResourceExhaustedError(what_ + " needs more memory than it may use: limit " +
                                  std::to_string(limit_bytes_ >> 20) + " MiB");
  }
  void ReleaseBytes(uint64_t n) override { used_.fetch_sub(n, std::memory_order_relaxed); }
  uint64_t LeftBytes() const override {
    return limit_bytes_ - std::min(limit_bytes_, used_.load(std::memory_order_relaxed));
  }

 private:
  const std::string what_;
  const uint64_t limit_bytes_;
  std::atomic<uint64_t> used_{0};
};

}  // namespace deucalion

#endif  // DEUCALION_TSDB_STORAGE_MEMORY_BUDGET_H_
