// What a query may hold: samples (as --query.max-samples counts them) and bytes. All are
// thread-safe.
#ifndef DEUCALION_PROMQL_EXEC_BUDGET_H_
#define DEUCALION_PROMQL_EXEC_BUDGET_H_

#include <atomic>
#include <cstdint>

#include "base/status.h"
#include "tsdb/storage/memory_budget.h"

namespace deucalion::promql {

// Bytes of all queries of an engine together. Must outlive their budgets.
class SharedMemory {
 public:
  explicit SharedMemory(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  // False when the limit would be exceeded: nothing was taken.
  bool Take(uint64_t bytes);
  void Force(uint64_t bytes) { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void Give(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t LeftBytes() const;  // UINT64_MAX without a limit
  uint64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }
  uint64_t limit_bytes() const { return limit_bytes_; }

 private:
  const uint64_t limit_bytes_;
  std::atomic<uint64_t> used_{0};
};

class QueryBudget final : public MemoryBudget {
 public:
  // 0 = no limit.
  QueryBudget(int64_t max_samples, uint64_t max_bytes, SharedMemory* shared)
      : max_samples_(max_samples), max_bytes_(max_bytes), shared_(shared) {}
  ~QueryBudget() override;
  QueryBudget(const QueryBudget&) = delete;
  QueryBudget& operator=(const QueryBudget&) = delete;

  // Samples come to be held; an error when that is too many.
  Status AddSamples(uint64_t n);
  void ReleaseSamples(uint64_t n) {
    samples_.fetch_sub(static_cast<int64_t>(n), std::memory_order_relaxed);
  }
  // Held only for a moment: checked and remembered as a peak, not added.
  Status CheckTransient(uint64_t n);

  // Counts also when it fails: the query is about to end and releases everything.
  Status AddBytes(uint64_t n) override;
  void ReleaseBytes(uint64_t n) override;
  uint64_t LeftBytes() const override;

  int64_t samples() const { return samples_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  int64_t peak_samples() const { return peak_samples_.load(std::memory_order_relaxed); }
  uint64_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }

 private:
  const int64_t max_samples_;
  const uint64_t max_bytes_;
  SharedMemory* const shared_;
  std::atomic<int64_t> samples_{0};
  std::atomic<int64_t> peak_samples_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> peak_bytes_{0};
};

// "query processing would load too many samples into memory in query execution".
Status TooManySamplesError();

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_BUDGET_H_
