#include "tsdb/db/maintenance.h"

#include <pthread.h>

#include <algorithm>

namespace deucalion::tsdb {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLookEvery = std::chrono::minutes(1);

}  // namespace

Maintenance::Maintenance(Logger* logger, std::function<Status()> cut,
                         std::function<Result<bool>(const CancelToken*, const Throttle&)> compact)
    : logger_(logger), cut_(std::move(cut)), compact_(std::move(compact)) {
  cutter_ = std::jthread([this] { CutLoop(); });
  compactor_ = std::jthread([this] { CompactLoop(); });
}

void Maintenance::Wake() {
  MutexLock lock(mu_);
  ++wakes_;
  wake_.NotifyAll();
}

void Maintenance::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  cancel_.Cancel();
  if (cutter_.joinable()) cutter_.join();
  if (compactor_.joinable()) compactor_.join();
}

bool Maintenance::Pause(milliseconds time, uint64_t* seen_wakes) {
  const auto until = steady_clock::now() + time;
  MutexLock lock(mu_);
  while (!stopping_ && (seen_wakes == nullptr || wakes_ == *seen_wakes)) {
    const auto left = until - steady_clock::now();
    if (left <= left.zero()) break;
    wake_.WaitFor(mu_, left);
  }
  if (seen_wakes != nullptr) *seen_wakes = wakes_;
  return !stopping_;
}

void Maintenance::CutLoop() {
  pthread_setname_np(pthread_self(), "tsdb-cut");
  uint64_t wakes = 0;
  do {
    const Status status = cut_();
    if (!status.ok()) {
      logger_->Error("Head maintenance failed", {{"component", "tsdb"}, {"err", status}});
    }
  } while (Pause(kLookEvery, &wakes));
}

void Maintenance::CompactLoop() {
  pthread_setname_np(pthread_self(), "tsdb-compact");
  auto since = steady_clock::now();
  // As long a pause as the work took: half of one core.
  const Throttle throttle = [&](uint64_t) {
    const auto worked = std::chrono::duration_cast<milliseconds>(steady_clock::now() - since);
    (void)Pause(std::min(worked, milliseconds(1000)), nullptr);
    since = steady_clock::now();
  };
  uint64_t wakes = 0;
  do {
    for (bool more = true; more && !cancel_.canceled();) {
      since = steady_clock::now();
      const Result<bool> done = compact_(&cancel_, throttle);
      more = done.ok() && *done;
      if (!done.ok() && done.status().code() != StatusCode::kCanceled) {
        logger_->Error("Compaction failed", {{"component", "tsdb"}, {"err", done.status()}});
      }
    }
  } while (Pause(kLookEvery, &wakes));
}

}  // namespace deucalion::tsdb
