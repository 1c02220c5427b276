#include "tsdb/head/arena.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>

namespace deucalion::tsdb {

Arena::Arena() : pieces_(new std::atomic<uint8_t*>[kMaxPieces]) {
  for (size_t i = 0; i < kMaxPieces; i++) pieces_[i].store(nullptr, std::memory_order_relaxed);
}

Arena::~Arena() {
  for (const Mapping& m : mappings_) munmap(m.address, m.bytes);
}

bool Arena::MapPieces(size_t count) {
  if (num_pieces_ + count > kMaxPieces) return false;
  const size_t bytes = count * kPieceBytes;
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return false;
  mappings_.push_back({p, bytes});
  for (size_t i = 0; i < count; i++) {
    pieces_[num_pieces_ + i].store(static_cast<uint8_t*>(p) + i * kPieceBytes,
                                   std::memory_order_release);
  }
  num_pieces_ += count;
  return true;
}

ArenaRef Arena::Carve(size_t bytes) {
  const uint64_t units = (bytes + kUnitBytes - 1) / kUnitBytes;
  MutexLock lock(mu_);
  const uint64_t mapped = static_cast<uint64_t>(num_pieces_) << kPieceShift;
  uint64_t begin = next_unit_;
  // An extent lies in one piece, or in pieces that were mapped together for it.
  const bool fits =
      begin + units <= mapped && (begin >> kPieceShift) == ((begin + units - 1) >> kPieceShift);
  if (!fits) {
    begin = mapped == 0 ? 1 : mapped;
    const uint64_t want = (mapped == 0 ? 1 : 0) + units;
    if (!MapPieces((want + kPieceMask) >> kPieceShift)) return 0;
  }
  next_unit_ = begin + units;
  carved_.fetch_add(units * kUnitBytes, std::memory_order_relaxed);
  return static_cast<ArenaRef>(begin);
}

size_t SizeClassPool::RoundUp(size_t bytes) {
  if (bytes <= kSmallBytes) {
    return (bytes + Arena::kUnitBytes - 1) / Arena::kUnitBytes * Arena::kUnitBytes;
  }
  return std::bit_ceil(bytes);
}

size_t SizeClassPool::ClassOf(size_t rounded) {
  if (rounded <= kSmallBytes) return rounded / Arena::kUnitBytes;
  return kSmallClasses + static_cast<size_t>(std::countr_zero(rounded / kSmallBytes)) - 1;
}

ArenaRef SizeClassPool::Alloc(size_t bytes) {
  const size_t rounded = RoundUp(bytes == 0 ? 1 : bytes);
  ArenaRef& head = free_[ClassOf(rounded)];
  ArenaRef ref = head;
  if (ref != 0) {
    uint8_t* block = arena_->At(ref);
    std::memcpy(&head, block, sizeof(head));
    std::memset(block, 0, rounded);
  } else if (rounded > kExtentBytes / 4) {
    ref = arena_->Carve(rounded);
    if (ref == 0) return 0;
  } else {
    if (extent_left_ < rounded) {
      // The rest of the old extent serves smaller blocks.
      if (extent_left_ >= Arena::kUnitBytes && extent_left_ <= kSmallBytes) {
        ArenaRef& rest = free_[ClassOf(extent_left_)];
        std::memcpy(arena_->At(extent_), &rest, sizeof(rest));
        rest = extent_;
      }
      extent_left_ = 0;
      extent_ = arena_->Carve(kExtentBytes);
      if (extent_ == 0) return 0;
      extent_left_ = kExtentBytes;
    }
    ref = extent_;
    extent_ += static_cast<ArenaRef>(rounded / Arena::kUnitBytes);
    extent_left_ -= rounded;
  }
  used_bytes_ += rounded;
  return ref;
}

void SizeClassPool::Free(ArenaRef ref, size_t bytes) {
  if (ref == 0) return;
  const size_t rounded = RoundUp(bytes == 0 ? 1 : bytes);
  ArenaRef& head = free_[ClassOf(rounded)];
  std::memcpy(arena_->At(ref), &head, sizeof(head));
  head = ref;
  used_bytes_ -= rounded;
}

}  // namespace deucalion::tsdb
