// CostMemory: what requests cost the last two times, by a key of the route's choosing.
//
// A request that lately took less than a millisecond is answered on the event loop: handing it to
// another thread and back would cost more than the answer. The memory is lossy: a fixed table, a
// newcomer takes the place of whoever was there. Being wrong costs time, never correctness (see
// loop.h for what happens to a request that takes longer than it used to).
//
// Thread-safe, without locks.
#ifndef DEUCALION_SERVER_HTTP_COST_MEMORY_H_
#define DEUCALION_SERVER_HTTP_COST_MEMORY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace deucalion::http {

class CostMemory {
 public:
  // A key of 0 stands for a request nothing is known of: never cheap, not remembered.
  void Observe(uint64_t key, int64_t duration_ns);
  // What a request of this key will take if that is at most kCheapNs, negative otherwise. The
  // lesser of the last two: a thread that loses its processor for a moment has not become
  // expensive.
  int64_t CheapNs(uint64_t key) const;
  bool IsCheap(uint64_t key) const { return CheapNs(key) >= 0; }

  // Below what a client notices, and below the loop's patience (loop.h).
  static constexpr int64_t kCheapNs = 800'000;

 private:
  // Half of the key, and the last two durations in microseconds, 16 bits each; kNever: none yet.
  using Slot = std::atomic<uint64_t>;
  static constexpr size_t kSlots = 4096;
  static constexpr uint64_t kNever = 0xffff;

  std::array<Slot, kSlots> slots_{};
};

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_COST_MEMORY_H_
