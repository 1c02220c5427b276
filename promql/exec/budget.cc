#include "promql/exec/budget.h"

#include <algorithm>
#include <string>

namespace deucalion::promql {
namespace {

template <typename T>
void RaiseTo(std::atomic<T>* peak, T value) {
  T seen = peak->load(std::memory_order_relaxed);
  while (value > seen && !peak->compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

std::string MebibytesText(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

Status TooManySamplesError() {
  return ResourceExhaustedError(
      "query processing would load too many samples into memory in query execution");
}

bool SharedMemory::Take(uint64_t bytes) {
  const uint64_t used = used_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (limit_bytes_ == 0 || used <= limit_bytes_) return true;
  Give(bytes);
  return false;
}

uint64_t SharedMemory::LeftBytes() const {
  if (limit_bytes_ == 0) return UINT64_MAX;
  return limit_bytes_ - std::min(limit_bytes_, used_bytes());
}

QueryBudget::~QueryBudget() { shared_->Give(bytes()); }

Status QueryBudget::AddSamples(uint64_t n) {
  const int64_t now = samples_.fetch_add(static_cast<int64_t>(n), std::memory_order_relaxed) +
                      static_cast<int64_t>(n);
  RaiseTo(&peak_samples_, now);
  if (max_samples_ > 0 && now > max_samples_) return TooManySamplesError();
  return OkStatus();
}

Status QueryBudget::CheckTransient(uint64_t n) {
  const int64_t now = samples() + static_cast<int64_t>(n);
  RaiseTo(&peak_samples_, now);
  if (max_samples_ > 0 && now > max_samples_) return TooManySamplesError();
  return OkStatus();
}

Status QueryBudget::AddBytes(uint64_t n) {
  if (!shared_->Take(n)) {
    bytes_.fetch_add(n, std::memory_order_relaxed);
    shared_->Force(n);  // the caller gives back what it asked for, refused or not
    return ResourceExhaustedError(
        "query needs more memory than all queries together may use: limit " +
        MebibytesText(shared_->limit_bytes()));
  }
  const uint64_t now = bytes_.fetch_add(n, std::memory_order_relaxed) + n;
  RaiseTo(&peak_bytes_, now);
  if (max_bytes_ > 0 && now > max_bytes_) {
    return ResourceExhaustedError("query needs more memory than one query may use: limit " +
                                  MebibytesText(max_bytes_));
  }
  return OkStatus();
}

uint64_t QueryBudget::LeftBytes() const {
  if (max_bytes_ == 0) return shared_->LeftBytes();
  return std::min(max_bytes_ - std::min(max_bytes_, bytes()), shared_->LeftBytes());
}

void QueryBudget::ReleaseBytes(uint64_t n) {
  bytes_.fetch_sub(n, std::memory_order_relaxed);
  shared_->Give(n);
}

}  // namespace deucalion::promql
