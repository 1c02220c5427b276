// Arena: memory that is named by 32-bit references, so that a series record can point to its chunk,
// labels and sealed list in four bytes each.
//
// It hands out pages of 4 KiB. A SizeClassPool cuts each of its pages into blocks of one size: a
// head's open chunks grow in step and are sealed in step, so that the pages of a size empty
// together, and serve the next size or go back to the system. Blocks never move. At() is lock-free
// and safe from any thread for references that were published to it.
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
  static constexpr size_t kUnitBytes = 8;
  static constexpr size_t kPageBytes = 4096;
  static constexpr uint32_t kPageUnits = kPageBytes / kUnitBytes;

  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // The first unit of a page, a multiple of kPageUnits, with any content. 0 when the arena is full.
  ArenaRef TakePage() EXCLUDES(mu_);
  void GivePage(ArenaRef page) EXCLUDES(mu_);
  // Whole pages behind each other, for `bytes`; never given back. 0 when the arena is full.
  ArenaRef Carve(size_t bytes) EXCLUDES(mu_);
  uint8_t* At(ArenaRef ref) const {
    return pieces_[ref >> kPieceShift].load(std::memory_order_acquire) +
           static_cast<size_t>(ref & kPieceMask) * kUnitBytes;
  }
  // Gives the pages back to the system that nobody needed since the last call.
  void Trim() EXCLUDES(mu_);
  // In pages that are handed out.
  size_t size_bytes() const { return used_pages_.load(std::memory_order_relaxed) * kPageBytes; }

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
  ArenaRef CarvePages(uint64_t pages) REQUIRES(mu_);

  std::unique_ptr<std::atomic<uint8_t*>[]> pieces_;
  std::atomic<size_t> used_pages_{0};
  Mutex mu_;
  std::vector<Mapping> mappings_ GUARDED_BY(mu_);
  size_t num_pieces_ GUARDED_BY(mu_) = 0;
  uint64_t next_unit_ GUARDED_BY(mu_) = kPageUnits;  // unit 0 is "none"
  // Free pages: those that hold memory, and those that were given back to the system.
  std::vector<ArenaRef> free_ GUARDED_BY(mu_);
  std::vector<ArenaRef> empty_ GUARDED_BY(mu_);
  size_t least_free_ GUARDED_BY(mu_) = 0;  // of free_, since the last Trim
};

// Blocks of any size out of an arena. Thread-compatible: callers hold the lock of the shard (or
// index) it belongs to. The arena must outlive it.
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
  // At the begin of each page; places are in units from there.
  struct Page {
    ArenaRef previous, next;  // in the list of pages with room
    uint16_t used;            // blocks
    uint16_t free;            // the first free block, which names the next; 0 = none
    uint16_t fresh;           // behind it nothing was ever handed out
    uint16_t unused;
  };
  static constexpr uint16_t kFirstUnit = sizeof(Page) / Arena::kUnitBytes;
  // Below: a class every eight bytes. Three blocks of the largest fill a page.
  static constexpr size_t kSmallBytes = 1360;
  static constexpr size_t kSmallClasses = kSmallBytes / Arena::kUnitBytes + 1;
  static constexpr size_t kLargeClasses = 24;  // powers of two from a page on

  Page* PageAt(ArenaRef page) const { return reinterpret_cast<Page*>(arena_->At(page)); }
  ArenaRef AllocSmall(size_t units);
  void FreeSmall(ArenaRef ref, size_t units);
  void Link(ArenaRef page, size_t units);
  void Unlink(ArenaRef page, size_t units);
  ArenaRef& LargeList(size_t rounded);

  Arena* arena_;
  std::array<ArenaRef, kSmallClasses> with_room_{};  // pages, by units of their blocks
  std::array<ArenaRef, kLargeClasses> large_{};      // free blocks
  size_t used_bytes_ = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_ARENA_H_
