// One shard of the head: the series whose label hash falls into it. Everything under its lock.
#ifndef DEUCALION_TSDB_HEAD_HEAD_SHARD_H_
#define DEUCALION_TSDB_HEAD_HEAD_SHARD_H_

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "tsdb/head/open_chunk.h"
#include "tsdb/head/series_record.h"
#include "tsdb/head/series_side.h"

namespace deucalion::tsdb {

// From the low half of a label hash to slots: open addressing, eight bytes an entry. The half is
// index and tag at once, so that growing needs no labels.
class SeriesMap {
 public:
  SeriesMap() : entries_(64) {}

  // The first slot with this tag that `same` accepts, kNoSlot when there is none.
  template <typename Same>
  Slot Find(uint32_t tag, Same same) const {
    for (size_t i = tag & Mask(); entries_[i].slot != kNoSlot; i = (i + 1) & Mask()) {
      if (entries_[i].tag == tag && same(entries_[i].slot)) return entries_[i].slot;
    }
    return kNoSlot;
  }
  void Insert(uint32_t tag, Slot slot) {
    if ((size_ + 1) * 5 > entries_.size() * 4) Grow();
    Place({tag, slot});
    size_++;
  }
  void Erase(uint32_t tag, Slot slot) {
    size_t i = tag & Mask();
    while (entries_[i].slot != slot) {
      if (entries_[i].slot == kNoSlot) return;
      i = (i + 1) & Mask();
    }
    size_--;
    // Entries behind the hole move up unless they would pass their home.
    for (size_t j = i;;) {
      entries_[i].slot = kNoSlot;
      for (;;) {
        j = (j + 1) & Mask();
        if (entries_[j].slot == kNoSlot) return;
        const size_t home = entries_[j].tag & Mask();
        if (((j - home) & Mask()) >= ((j - i) & Mask())) break;
      }
      entries_[i] = entries_[j];
      i = j;
    }
  }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Entry& e : entries_) {
      if (e.slot != kNoSlot) visit(e.slot);
    }
  }
  void Prefetch(uint32_t tag) const { __builtin_prefetch(&entries_[tag & Mask()]); }
  size_t size() const { return size_; }
  size_t size_bytes() const { return entries_.capacity() * sizeof(Entry); }

 private:
  struct Entry {
    uint32_t tag = 0;
    Slot slot = kNoSlot;
  };
  size_t Mask() const { return entries_.size() - 1; }
  void Place(Entry entry) {
    size_t i = entry.tag & Mask();
    while (entries_[i].slot != kNoSlot) i = (i + 1) & Mask();
    entries_[i] = entry;
  }
  void Grow() {
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    for (const Entry& e : old) {
      if (e.slot != kNoSlot) Place(e);
    }
  }

  std::vector<Entry> entries_;
  size_t size_ = 0;
};

// What a series' newest commit was before a newer one took its place in the record: kept while a
// reader may still have to tell them apart, and so short. Ascending by commit.
class UndoRing {
 public:
  struct Entry {
    uint64_t commit = 0;
    int64_t before_ms = 0;  // last_ms before that commit
  };

  // `watermarks` as Isolation::Watermarks() gave them when the new commit began.
  void Keep(Slot slot, Entry entry, const std::vector<uint64_t>& watermarks) {
    const uint64_t present = watermarks.back();
    if (newest_ <= watermarks.front() && !entries_.empty()) entries_.clear();
    if (entry.commit <= watermarks.front()) return;
    auto& list = entries_[slot];
    const uint64_t previous = list.empty() ? 0 : list.back().commit;
    bool needed = entry.commit > present;
    for (const uint64_t w : watermarks) needed = needed || (previous <= w && w < entry.commit);
    if (needed) list.push_back(entry);
    newest_ = std::max(newest_, entry.commit);
  }
  // Forgets everything when no reader is left that is older than the newest entry.
  void Trim(uint64_t oldest_watermark) {
    if (newest_ <= oldest_watermark && !entries_.empty()) entries_ = {};
  }
  // The time up to which a reader at `watermark` may see the series, as far as the ring knows.
  int64_t VisibleMs(Slot slot, uint64_t watermark) const {
    if (entries_.empty() || newest_ <= watermark) return kMaxTimeMs;
    const auto it = entries_.find(slot);
    if (it == entries_.end()) return kMaxTimeMs;
    for (const Entry& e : it->second) {
      if (e.commit > watermark) return e.before_ms;
    }
    return kMaxTimeMs;
  }

 private:
  std::unordered_map<Slot, std::vector<Entry>> entries_;
  uint64_t newest_ = 0;
};

struct alignas(64) Shard {
  Shard(Arena* arena, SealedChunks* sealed) : chunks(arena, sealed) {}

  mutable Mutex mu;
  SeriesMap map GUARDED_BY(mu);
  OpenChunks chunks GUARDED_BY(mu);
  std::unordered_map<Slot, std::unique_ptr<SeriesSide>> side GUARDED_BY(mu);
  UndoRing undo GUARDED_BY(mu);
  std::vector<Slot> free_slots GUARDED_BY(mu);
  Slot next_slot GUARDED_BY(mu) = 0;
  Slot slab_end GUARDED_BY(mu) = 0;

  SeriesSide* SideOf(Slot slot, SeriesRecord* r) REQUIRES(mu) {
    auto& entry = side[slot];
    if (entry == nullptr) entry = std::make_unique<SeriesSide>();
    r->Set(kFlagSide);
    return entry.get();
  }
  SeriesSide* FindSide(Slot slot, const SeriesRecord& r) const REQUIRES(mu) {
    if (!r.Has(kFlagSide)) return nullptr;
    const auto it = side.find(slot);
    return it == side.end() ? nullptr : it->second.get();
  }
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_HEAD_SHARD_H_
