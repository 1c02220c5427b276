#include "server/http/cost_memory.h"

#include <algorithm>

namespace deucalion::http {
namespace {

constexpr uint64_t kTagMask = 0xffff'ffff'0000'0000;
constexpr uint64_t kCheapMicros = CostMemory::kCheapNs / 1000;

uint64_t TagOf(uint64_t key) { return key & kTagMask; }

}  // namespace

void CostMemory::Observe(uint64_t key, int64_t duration_ns) {
  if (key == 0) return;
  Slot& slot = slots_[key % kSlots];
  const uint64_t known = slot.load(std::memory_order_relaxed);
  const uint64_t before = (known & kTagMask) == TagOf(key) ? known & 0xffff : kNever;
  const auto micros = static_cast<uint64_t>(std::max<int64_t>(duration_ns, 0) / 1000);
  // Cheap as both before: nothing to write where other loops read.
  if (known != 0 && micros <= kCheapMicros && before <= kCheapMicros &&
      (known >> 16 & 0xffff) <= kCheapMicros) {
    return;
  }
  // A race of two requests loses one of them.
  slot.store(TagOf(key) | before << 16 | std::min(micros, kNever - 1), std::memory_order_relaxed);
}

int64_t CostMemory::CheapNs(uint64_t key) const {
  if (key == 0) return -1;
  const uint64_t known = slots_[key % kSlots].load(std::memory_order_relaxed);
  if (known == 0 || (known & kTagMask) != TagOf(key)) return -1;
  const uint64_t least = std::min(known & 0xffff, known >> 16 & 0xffff);
  return least <= kCheapMicros ? static_cast<int64_t>(least) * 1000 : -1;
}

}  // namespace deucalion::http
