// Arena: memory named by 32-bit references, so that a series record can point to its chunk, labels
// and sealed list in four bytes each.
//
// It hands out extents that never move; a SizeClassPool cuts them into blocks and takes blocks
// back. Memory goes back to the system only when the arena dies: what is freed is used again. At()
// is lock-free and safe from any thread for references that were published to it.
#ifndef DEUCALION_TSDB_HEAD_ARENA_H_
#define DEUCALION_TSDB_HEAD_ARENA_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/thread_annotations.h"

namespace deucalion::tsdb {

// In units of eight bytes from the arena's begin; 0 = none. An arena holds at most 32 GiB.
using ArenaRef = uint32_t;

class Arena {
 public:
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `bytes` of zeroed memory. 0 when the arena is full.
  ArenaRef Carve(size_t bytes) EXCLUDES(mu_);
  uint8_t* At(ArenaRef ref) const {
    return pieces_[ref >> kPieceShift].load(std::memory_order_acquire) +
           static_cast<size_t>(ref & kPieceMask) * kUnitBytes;
  }
  // Carved so far.
  size_t size_bytes() const { return carved_.load(std::memory_order_relaxed); }

  static constexpr size_t kUnitBytes = 8;

 private:
  static constexpr unsigned kPieceShift = 18;  // 2 MiB pieces
  static constexpr uint32_t kPieceMask = (1u << kPieceShift) - 1;
  static constexpr size_t kPieceBytes = size_t{1} << (kPieceShift + 3);
  static constexpr size_t kMaxPieces = size_t{1} << (32 - kPieceShift);
  struct Mapping {
    void* address;
    size_t bytes;
  };

  bool MapPieces(size_t count) REQUIRES(mu_);

  std::unique_ptr<std::atomic<uint8_t*>[]> pieces_;
  std::atomic<size_t> carved_{0};
  Mutex mu_;
  std::vector<Mapping> mappings_ GUARDED_BY(mu_);
  size_t num_pieces_ GUARDED_BY(mu_) = 0;
  uint64_t next_unit_ GUARDED_BY(mu_) = 1;  // 0 is "none"
};

// Blocks of any size out of an arena, with free lists by size. Thread-compatible: callers hold the
// lock of the shard (or index) it belongs to. The arena must outlive it.
class SizeClassPool {
 public:
  explicit SizeClassPool(Arena* arena) : arena_(arena) {}

  // Zeroed. 0 when the arena is full. The true size is RoundUp(bytes).
  ArenaRef Alloc(size_t bytes);
  // `bytes` as given to Alloc.
  void Free(ArenaRef ref, size_t bytes);
  static size_t RoundUp(size_t bytes);

  // Handed out and not freed.
  size_t used_bytes() const { return used_bytes_; }

 private:
  static constexpr size_t kSmallBytes = 1024;    // below: a class every eight bytes
  static constexpr size_t kExtentBytes = 16384;  // few enough wasted with 16 shards
  static constexpr size_t kSmallClasses = kSmallBytes / Arena::kUnitBytes + 1;
  static constexpr size_t kLargeClasses = 24;  // powers of two above
  static size_t ClassOf(size_t rounded);

  Arena* arena_;
  std::array<ArenaRef, kSmallClasses + kLargeClasses> free_{};
  ArenaRef extent_ = 0;
  size_t extent_left_ = 0;
  size_t used_bytes_ = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_ARENA_H_
