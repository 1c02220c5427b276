#include "tsdb/head/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace deucalion::tsdb {

// ---- pages ----

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

ArenaRef Arena::CarvePages(uint64_t pages) {
  const uint64_t units = pages * kPageUnits;
  const uint64_t mapped = static_cast<uint64_t>(num_pieces_) << kPieceShift;
  uint64_t begin = next_unit_;
  // An extent lies in one piece, or in pieces that were mapped together for it.
  const bool fits =
      begin + units <= mapped && (begin >> kPieceShift) == ((begin + units - 1) >> kPieceShift);
  if (!fits) {
    // What is left of the last piece serves single pages.
    for (; begin < mapped; begin += kPageUnits) empty_.push_back(static_cast<ArenaRef>(begin));
    const uint64_t skipped = mapped == 0 ? kPageUnits : 0;
    begin = mapped + skipped;
    if (!MapPieces((skipped + units + kPieceMask) >> kPieceShift)) {
      next_unit_ = mapped;
      return 0;
    }
  }
  next_unit_ = begin + units;
  used_pages_.fetch_add(pages, std::memory_order_relaxed);
  return static_cast<ArenaRef>(begin);
}

ArenaRef Arena::Carve(size_t bytes) {
  MutexLock lock(mu_);
  return CarvePages((bytes + kPageBytes - 1) / kPageBytes);
}

ArenaRef Arena::TakePage() {
  MutexLock lock(mu_);
  auto& list = free_.empty() ? empty_ : free_;
  if (list.empty()) return CarvePages(1);
  const ArenaRef page = list.back();
  list.pop_back();
  least_free_ = std::min(least_free_, free_.size());
  used_pages_.fetch_add(1, std::memory_order_relaxed);
  return page;
}

void Arena::GivePage(ArenaRef page) {
  MutexLock lock(mu_);
  free_.push_back(page);
  used_pages_.fetch_sub(1, std::memory_order_relaxed);
}

void Arena::Trim() {
  MutexLock lock(mu_);
  // The oldest of the list have been free the longest.
  const auto end = free_.begin() + static_cast<ptrdiff_t>(least_free_);
  std::sort(free_.begin(), end);
  for (auto from = free_.begin(); from != end;) {
    auto to = from + 1;
    while (to != end && *to == *(to - 1) + kPageUnits && *to >> kPieceShift == *from >> kPieceShift)
      ++to;
    madvise(At(*from), static_cast<size_t>(to - from) * kPageBytes, MADV_DONTNEED);
    from = to;
  }
  empty_.insert(empty_.end(), free_.begin(), end);
  free_.erase(free_.begin(), end);
  least_free_ = free_.size();
}

// ---- blocks ----

size_t SizeClassPool::RoundUp(size_t bytes) {
  if (bytes <= kSmallBytes) {
    return (bytes + Arena::kUnitBytes - 1) / Arena::kUnitBytes * Arena::kUnitBytes;
  }
  return std::max(std::bit_ceil(bytes), Arena::kPageBytes);
}

ArenaRef& SizeClassPool::LargeList(size_t rounded) {
  return large_[static_cast<size_t>(std::countr_zero(rounded / Arena::kPageBytes))];
}

void SizeClassPool::Link(ArenaRef page, size_t units) {
  ArenaRef& first = with_room_[units];
  Page* p = PageAt(page);
  p->previous = 0;
  p->next = first;
  if (first != 0) PageAt(first)->previous = page;
  first = page;
}

void SizeClassPool::Unlink(ArenaRef page, size_t units) {
  const Page* p = PageAt(page);
  if (p->next != 0) PageAt(p->next)->previous = p->previous;
  (p->previous == 0 ? with_room_[units] : PageAt(p->previous)->next) = p->next;
}

ArenaRef SizeClassPool::AllocSmall(size_t units) {
  ArenaRef page = with_room_[units];
  if (page == 0) {
    page = arena_->TakePage();
    if (page == 0) return 0;
    *PageAt(page) = {
        .previous = 0, .next = 0, .used = 0, .free = 0, .fresh = kFirstUnit, .unused = 0};
    Link(page, units);
  }
  Page* p = PageAt(page);
  ArenaRef ref;
  if (p->free != 0) {
    ref = page + p->free;
    std::memcpy(&p->free, arena_->At(ref), sizeof(p->free));
  } else {
    ref = page + p->fresh;
    p->fresh = static_cast<uint16_t>(p->fresh + units);
  }
  p->used++;
  if (p->free == 0 && p->fresh + units > Arena::kPageUnits) Unlink(page, units);
  return ref;
}

void SizeClassPool::FreeSmall(ArenaRef ref, size_t units) {
  const ArenaRef page = ref / Arena::kPageUnits * Arena::kPageUnits;
  Page* p = PageAt(page);
  const bool was_full = p->free == 0 && p->fresh + units > Arena::kPageUnits;
  std::memcpy(arena_->At(ref), &p->free, sizeof(p->free));
  p->free = static_cast<uint16_t>(ref - page);
  if (--p->used == 0) {
    if (!was_full) Unlink(page, units);
    arena_->GivePage(page);
  } else if (was_full) {
    Link(page, units);
  }
}

ArenaRef SizeClassPool::Alloc(size_t bytes) {
  const size_t rounded = RoundUp(bytes == 0 ? 1 : bytes);
  ArenaRef ref;
  if (rounded <= kSmallBytes) {
    ref = AllocSmall(rounded / Arena::kUnitBytes);
  } else if (ArenaRef& list = LargeList(rounded); list != 0) {
    ref = list;
    std::memcpy(&list, arena_->At(ref), sizeof(list));
  } else {
    ref = arena_->Carve(rounded);
  }
  if (ref == 0) return 0;
  std::memset(arena_->At(ref), 0, rounded);
  used_bytes_ += rounded;
  return ref;
}

void SizeClassPool::Free(ArenaRef ref, size_t bytes) {
  if (ref == 0) return;
  const size_t rounded = RoundUp(bytes == 0 ? 1 : bytes);
  used_bytes_ -= rounded;
  if (rounded <= kSmallBytes) {
    FreeSmall(ref, rounded / Arena::kUnitBytes);
    return;
  }
  ArenaRef& list = LargeList(rounded);
  std::memcpy(arena_->At(ref), &list, sizeof(list));
  list = ref;
}

}  // namespace deucalion::tsdb
