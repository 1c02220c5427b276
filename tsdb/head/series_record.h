// SeriesRecord: all that ingest touches of a series, in one cache line; and the slabs they live in.
//
// A slot (32 bits) names a record; a slab of 1,024 belongs to one shard. Fields are written under
// the shard's lock. The atomic ones are also read without it: to check that a reference is still
// good, and for the first look at whether a sample is in order.
#ifndef DEUCALION_TSDB_HEAD_SERIES_RECORD_H_
#define DEUCALION_TSDB_HEAD_SERIES_RECORD_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "model/value.h"
#include "tsdb/head/arena.h"
#include "tsdb/wal/value_codec.h"

namespace deucalion::tsdb {

using Slot = uint32_t;
inline constexpr Slot kNoSlot = UINT32_MAX;

inline constexpr uint64_t kSeriesIdBits = 48;
inline constexpr uint64_t kSeriesIdMask = (uint64_t{1} << kSeriesIdBits) - 1;

// Flags, above the id.
inline constexpr uint64_t kFlagLeaving = uint64_t{1} << 48;    // goes unless it is used again
inline constexpr uint64_t kFlagHistogram = uint64_t{1} << 49;  // the open chunk is of histograms
inline constexpr uint64_t kFlagSide = uint64_t{1} << 50;    // the shard's side table has an entry
inline constexpr uint64_t kFlagNative = uint64_t{1} << 51;  // somebody gave it a histogram once
inline constexpr uint64_t kFlagStarts = uint64_t{1} << 52;  // its side has start timestamps

// Written under the shard's lock and read under it, but for a look without it that may be wrong.
template <typename T>
class Relaxed {
 public:
  Relaxed(T v) : v_(v) {}  // NOLINT(google-explicit-constructor): stands for a T
  operator T() const { return v_.load(std::memory_order_relaxed); }  // NOLINT: likewise
  T operator=(T v) {
    v_.store(v, std::memory_order_relaxed);
    return v;
  }

 private:
  std::atomic<T> v_;
};

// The open chunk begins as a run: `count` samples of one value at one distance need no memory,
// because last_ms, last_delta and last_bits say it all. `chunk` is 0 then. The first sample that
// differs writes the run out as an XOR chunk.
struct alignas(64) SeriesRecord {
  std::atomic<uint64_t> id_flags{0};  // 0: the slot is free
  std::atomic<int64_t> last_ms{kMinTimeMs};
  std::atomic<uint64_t> last_bits{0};
  int64_t before_ms = kMinTimeMs;  // last_ms before the newest commit that touched the series
  uint64_t commit : 48 = 0;        // that commit
  uint64_t leading : 8 = 0xff;     // XOR window
  uint64_t trailing : 8 = 0;
  std::atomic<ArenaRef> labels{0};
  Relaxed<ArenaRef> chunk = 0;
  ArenaRef sealed = 0;
  uint32_t last_delta = 0;
  uint32_t label_hash = 0;  // low half: the tag in the shard's table
  uint16_t bit_pos = 0;
  uint16_t count = 0;  // samples of the open chunk

  uint64_t id() const { return id_flags.load(std::memory_order_relaxed) & kSeriesIdMask; }
  bool Has(uint64_t flag) const { return (id_flags.load(std::memory_order_relaxed) & flag) != 0; }
  void Set(uint64_t flag) {
    if (!Has(flag)) id_flags.fetch_or(flag, std::memory_order_relaxed);
  }
  void Clear(uint64_t flag) {
    if (Has(flag)) id_flags.fetch_and(~flag, std::memory_order_relaxed);
  }
};
static_assert(sizeof(SeriesRecord) == 64, "one cache line");

class SeriesSlabs {
 public:
  static constexpr uint32_t kSlabShift = 10;
  static constexpr uint32_t kSlabSlots = 1u << kSlabShift;
  static constexpr uint32_t kMaxSlabs = 1u << 18;  // 268 M series

  SeriesSlabs()
      : slabs_(static_cast<std::atomic<Slab*>*>(std::calloc(kMaxSlabs, sizeof(Slab*)))),
        shards_(static_cast<uint16_t*>(std::calloc(kMaxSlabs, sizeof(uint16_t)))) {}
  ~SeriesSlabs() {
    for (uint32_t i = 0; i < count(); i++) delete slabs_[i].load(std::memory_order_relaxed);
    std::free(slabs_);
    std::free(shards_);
  }
  SeriesSlabs(const SeriesSlabs&) = delete;
  SeriesSlabs& operator=(const SeriesSlabs&) = delete;

  // First slot of a new slab for `shard`, kNoSlot when there can be no more.
  Slot AddSlab(uint32_t shard) {
    const uint32_t n = count_.fetch_add(1, std::memory_order_relaxed);
    if (n >= kMaxSlabs) {
      count_.store(kMaxSlabs, std::memory_order_relaxed);
      return kNoSlot;
    }
    auto slab = std::make_unique<Slab>();
    shards_[n] = static_cast<uint16_t>(shard);
    slabs_[n].store(slab.release(), std::memory_order_release);
    return n << kSlabShift;
  }

  // Whether `slot` lies in a slab; for references from outside.
  bool Contains(Slot slot) const {
    const uint32_t slab = slot >> kSlabShift;
    return slab < kMaxSlabs && slabs_[slab].load(std::memory_order_acquire) != nullptr;
  }
  SeriesRecord& Record(Slot slot) const { return SlabOf(slot).records[slot & (kSlabSlots - 1)]; }
  // What the WAL's next value of the series is written against; guarded by the WAL stream's lock.
  wal::ValueState& WalState(Slot slot) const {
    return SlabOf(slot).wal_states[slot & (kSlabSlots - 1)];
  }
  uint32_t ShardOf(Slot slot) const { return shards_[slot >> kSlabShift]; }
  void Prefetch(Slot slot) const { __builtin_prefetch(&Record(slot), 1); }
  size_t size_bytes() const { return count() * sizeof(Slab); }

 private:
  struct Slab {
    SeriesRecord records[kSlabSlots];
    wal::ValueState wal_states[kSlabSlots];
  };
  // A size of the allocator's own: one byte more would cost a fifth.
  static_assert(sizeof(Slab) == 80 * 1024);
  uint32_t count() const {
    const uint32_t n = count_.load(std::memory_order_relaxed);
    return n < kMaxSlabs ? n : kMaxSlabs;
  }
  Slab& SlabOf(Slot slot) const {
    return *slabs_[slot >> kSlabShift].load(std::memory_order_acquire);
  }

  std::atomic<Slab*>* slabs_;
  uint16_t* shards_;  // by slab; set before the slab is published
  std::atomic<uint32_t> count_{0};
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_SERIES_RECORD_H_
