#include "tsdb/head/head.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

namespace deucalion::tsdb {

Head::Head(Options options)
    : options_(std::move(options)),
      shard_bits_(static_cast<uint32_t>(std::countr_zero(options_.shards))),
      index_(&slabs_),
      exemplars_(options_.max_exemplars),
      next_id_(options_.streams),
      ooo_window_ms_(options_.out_of_order_window_ms) {
  for (auto& next : next_id_) next.store(1);
}

Head::~Head() = default;

Result<std::unique_ptr<Head>> Head::Open(Options options) {
  if (!std::has_single_bit(options.shards) || !std::has_single_bit(options.streams) ||
      options.shards > 4096 || options.streams > options.shards) {
    return InvalidArgumentError(fmt::format(
        "head: {} shards and {} wal streams: want powers of two", options.shards, options.streams));
  }
  std::unique_ptr<Head> head(new Head(std::move(options)));
  const Options& o = head->options_;
  ASSIGN_OR_RETURN(head->sealed_, SealedChunks::Open(o.fs, o.chunks_dir, o.keep_chunk_files_below,
                                                     o.chunk_file_bytes));
  for (uint32_t i = 0; i < o.shards; i++) {
    head->shards_.push_back(std::make_unique<Shard>(&head->arena_, head->sealed_.get()));
  }
  return head;
}

// ---- series ----

SeriesRecord* Head::Resolve(SeriesRef ref, uint64_t* id) const {
  const Slot slot = static_cast<Slot>(ref);
  if (slot == 0 || !slabs_.Contains(slot)) return nullptr;
  SeriesRecord* r = &slabs_.Record(slot);
  *id = r->id_flags.load(std::memory_order_acquire) & kSeriesIdMask;
  // The upper half of a ref is the lower half of the id; ids are never reused.
  if (*id == 0 || static_cast<uint32_t>(*id) != ref >> 32) return nullptr;
  return r;
}

SeriesRef Head::Find(LabelsView labels, uint64_t hash, SeriesRef hint) {
  uint64_t id;
  if (const SeriesRecord* r = hint == 0 ? nullptr : Resolve(hint, &id)) {
    const ArenaRef own = r->labels.load(std::memory_order_acquire);
    if (r->label_hash == static_cast<uint32_t>(hash) && !r->Has(kFlagLeaving) &&
        index_.Equals(own, labels)) {
      return hint;
    }
  }
  Shard& shard = *shards_[ShardOfHash(hash)];
  MutexLock lock(shard.mu);
  const Slot slot = shard.map.Find(static_cast<uint32_t>(hash), [&](Slot s) {
    return index_.Equals(slabs_.Record(s).labels.load(std::memory_order_relaxed), labels);
  });
  if (slot == kNoSlot) return 0;
  SeriesRecord& r = slabs_.Record(slot);
  // Being looked for is being used: a series on its way out stays.
  r.Clear(kFlagLeaving);
  return RefOf(slot, r.id());
}

Result<Slot> Head::AllocSlot(Shard* shard, uint32_t shard_number) {
  if (!shard->free_slots.empty()) {
    const Slot slot = shard->free_slots.back();
    shard->free_slots.pop_back();
    return slot;
  }
  if (shard->next_slot == shard->slab_end) {
    const Slot first = slabs_.AddSlab(shard_number);
    if (first == kNoSlot) return ResourceExhaustedError("head: no room for more series");
    // Slot 0 is never given out, so that no reference is 0.
    shard->next_slot = first == 0 ? 1 : first;
    shard->slab_end = first + SeriesSlabs::kSlabSlots;
  }
  return shard->next_slot++;
}

Result<SeriesRef> Head::FindOrCreate(LabelsView labels, uint64_t hash, uint64_t id) {
  const uint32_t number = ShardOfHash(hash);
  Shard& shard = *shards_[number];
  MutexLock lock(shard.mu);
  const auto tag = static_cast<uint32_t>(hash);
  const Slot found = shard.map.Find(tag, [&](Slot s) {
    return index_.Equals(slabs_.Record(s).labels.load(std::memory_order_relaxed), labels);
  });
  if (found != kNoSlot) {
    SeriesRecord& r = slabs_.Record(found);
    r.Clear(kFlagLeaving);
    return RefOf(found, r.id());
  }
  if (!CheckEncodedLabels(labels.bytes())) {
    return InvalidArgumentError("labels are not sorted, or one is there twice or empty");
  }
  ASSIGN_OR_RETURN(const Slot slot, AllocSlot(&shard, number));
  if (id == 0) {
    const uint32_t stream = StreamOfShard(number);
    id = next_id_[stream].fetch_add(1, std::memory_order_relaxed) * options_.streams + stream;
  }
  SeriesRecord& r = slabs_.Record(slot);
  {
    WriterLock index_lock(index_.mu());
    const ArenaRef stored = index_.InternLabels(labels);
    if (stored == 0) {
      shard.free_slots.push_back(slot);
      return ResourceExhaustedError("head: no memory for more labels");
    }
    r.labels.store(stored, std::memory_order_release);
    r.label_hash = tag;
    index_.Add(stored, slot);
  }
  r.last_ms.store(kMinTimeMs, std::memory_order_relaxed);
  r.before_ms = kMinTimeMs;
  r.commit = 0;
  r.count = 0;
  r.leading = 0xff;
  slabs_.WalState(slot) = {};
  r.id_flags.store(id, std::memory_order_release);
  shard.map.Insert(tag, slot);
  num_series_.fetch_add(1, std::memory_order_relaxed);
  counters_.series_created.fetch_add(1, std::memory_order_relaxed);
  return RefOf(slot, id);
}

void Head::ReserveId(uint64_t id) {
  auto& next = next_id_[StreamOfId(id)];
  const uint64_t want = id / options_.streams + 1;
  uint64_t have = next.load();
  while (have < want && !next.compare_exchange_weak(have, want)) {
  }
}

std::vector<uint64_t> Head::NextIds() const {
  std::vector<uint64_t> ids;
  for (const auto& next : next_id_) ids.push_back(next.load());
  return ids;
}

Result<Slot> Head::RestoreSeries(uint32_t shard_number, uint64_t id, uint32_t tag,
                                 std::span<const uint32_t> pairs,
                                 const std::function<Status(Shard*, Slot, SeriesRecord*)>& fill) {
  Shard& shard = *shards_[shard_number];
  MutexLock lock(shard.mu);
  ASSIGN_OR_RETURN(const Slot slot, AllocSlot(&shard, shard_number));
  SeriesRecord& r = slabs_.Record(slot);
  r.id_flags.store(id, std::memory_order_release);
  Status filled = fill(&shard, slot, &r);
  if (!filled.ok()) {
    r.id_flags.store(0, std::memory_order_release);
    return filled;
  }
  {
    WriterLock index_lock(index_.mu());
    const ArenaRef stored = index_.InternPairs(pairs);
    if (stored == 0) return ResourceExhaustedError("head: no memory for more labels");
    r.labels.store(stored, std::memory_order_release);
    index_.Add(stored, slot);
  }
  r.label_hash = tag;
  slabs_.WalState(slot) = {.introduced = true};
  shard.map.Insert(tag, slot);
  num_series_.fetch_add(1, std::memory_order_relaxed);
  return slot;
}

// ---- time ----

int64_t Head::MinValidMs() const {
  const int64_t cut = min_valid_ms_.load(std::memory_order_acquire);
  const int64_t newest = max_ms();
  if (newest == kMinTimeMs) return cut;
  const int64_t half = options_.block_range_ms / 2;
  return newest < kMinTimeMs + half ? cut : std::max(cut, newest - half);
}

int64_t Head::StableHorizonMs() const {
  const int64_t in_order = MinValidMs(), window = out_of_order_window_ms(), newest = max_ms();
  if (window <= 0) return in_order;
  return newest < kMinTimeMs + window ? kMinTimeMs : std::min(in_order, newest - window);
}

void Head::SetOutOfOrderWindow(int64_t ms) {
  const int64_t before = ooo_window_ms_.exchange(ms);
  // The horizon falls back: from now on samples may come in below the old one.
  if (ms > before) changes_.Add(kMinTimeMs, kMaxTimeMs);
}

void Head::Widen(const Applied& applied) {
  int64_t newest = max_ms_.load();
  while (applied.max_ms > newest && !max_ms_.compare_exchange_weak(newest, applied.max_ms)) {
  }
  int64_t oldest = min_ms_.load();
  while (applied.min_ms < oldest && !min_ms_.compare_exchange_weak(oldest, applied.min_ms)) {
  }
}

void Head::RestoreTimes(int64_t floor_ms, int64_t min_ms, int64_t max_ms) {
  floor_ms_.store(floor_ms);
  min_valid_ms_.store(floor_ms);
  min_ms_.store(min_ms);
  max_ms_.store(max_ms);
}

void Head::RaiseMinValid(int64_t cut_ms) {
  int64_t now = min_valid_ms_.load();
  while (cut_ms > now && !min_valid_ms_.compare_exchange_weak(now, cut_ms)) {
  }
  // Appenders that checked against the old bound.
  appender_pins_.WaitForPresent();
}

void Head::SetFloor(int64_t cut_ms, uint64_t late_watermark, int64_t late_below_ms) {
  int64_t now = min_valid_ms_.load();
  while (cut_ms > now && !min_valid_ms_.compare_exchange_weak(now, cut_ms)) {
  }
  late_watermark_.store(late_watermark, std::memory_order_relaxed);
  late_below_ms_.store(late_below_ms, std::memory_order_relaxed);
  floor_ms_.store(cut_ms, std::memory_order_release);
  int64_t oldest = min_ms_.load();
  if (oldest != kMaxTimeMs && oldest < cut_ms) min_ms_.store(cut_ms);
}

std::set<int64_t> Head::LateRanges(int64_t range_ms, int64_t below_ms) {
  std::set<int64_t> ranges;
  const auto note = [&](int64_t time_ms) {
    const int64_t rest = time_ms % range_ms;
    if (time_ms < below_ms) ranges.insert(time_ms - (rest < 0 ? rest + range_ms : rest));
  };
  for (auto& shard : shards_) {
    MutexLock lock(shard->mu);
    for (const auto& [slot, side] : shard->side) {
      for (const LateSample& s : side->late) note(s.time_ms);
      for (const LateHistogram& h : side->late_histograms) note(h.time_ms);
    }
  }
  return ranges;
}

// ---- truncation ----

bool Head::HasNothingFrom(const Shard& shard, Slot slot, const SeriesRecord& r,
                          int64_t cut_ms) const {
  if (r.last_ms.load(std::memory_order_relaxed) >= cut_ms) return false;
  const SeriesSide* side = shard.FindSide(slot, r);
  return side == nullptr || (side->late.empty() && side->late_histograms.empty());
}

// Drops what lies wholly below the cut and marks the series that then have nothing.
void Head::DropSamples(Shard* shard, int64_t cut_ms) {
  const uint64_t late_watermark = late_watermark_.load(std::memory_order_relaxed);
  const int64_t late_below_ms = late_below_ms_.load(std::memory_order_relaxed);
  uint64_t late_gone = 0;
  const auto in_a_block = [&](const auto& l, uint64_t weight) {
    const bool gone = l.time_ms < late_below_ms && l.commit <= late_watermark;
    if (gone) late_gone += weight;
    return gone;
  };
  MutexLock lock(shard->mu);
  shard->map.ForEach([&](Slot slot) NO_THREAD_SAFETY_ANALYSIS {
    SeriesRecord& r = slabs_.Record(slot);
    shard->chunks.DropSealedBefore(&r, cut_ms);
    if (SeriesSide* side = shard->FindSide(slot, r)) {
      std::erase_if(side->late, [&](const LateSample& l) { return in_a_block(l, 1); });
      std::erase_if(side->late_histograms,
                    [&](const LateHistogram& h) { return in_a_block(h, LateWeight(h)); });
      std::erase_if(side->deleted, [&](const TimeInterval& d) { return d.max_ms < cut_ms; });
      while (side->starts.size() > 1 && side->starts[1].first <= cut_ms) {
        side->starts.erase(side->starts.begin());
      }
    }
    if (HasNothingFrom(*shard, slot, r, cut_ms)) r.Set(kFlagLeaving);
  });
  late_samples_ -= late_gone;
}

std::vector<Slot> Head::FindLeaving(int64_t cut_ms) {
  std::vector<Slot> leaving;
  for (auto& shard : shards_) {
    MutexLock lock(shard->mu);
    shard->map.ForEach([&](Slot slot) NO_THREAD_SAFETY_ANALYSIS {
      const SeriesRecord& r = slabs_.Record(slot);
      if (r.Has(kFlagLeaving) && HasNothingFrom(*shard, slot, r, cut_ms)) leaving.push_back(slot);
    });
  }
  return leaving;
}

void Head::RemoveFrom(Shard* shard, Slot slot) {
  SeriesRecord& r = slabs_.Record(slot);
  shard->map.Erase(r.label_hash, slot);
  shard->chunks.Free(&r);
  shard->side.erase(slot);
  r.id_flags.store(0, std::memory_order_release);
}

void Head::RemoveLeaving(Shard* shard, int64_t cut_ms, std::vector<Slot>* gone) {
  MutexLock lock(shard->mu);
  const size_t before = gone->size();
  shard->map.ForEach([&](Slot slot) NO_THREAD_SAFETY_ANALYSIS {
    const SeriesRecord& r = slabs_.Record(slot);
    if (r.Has(kFlagLeaving) && HasNothingFrom(*shard, slot, r, cut_ms)) gone->push_back(slot);
  });
  for (size_t i = before; i < gone->size(); i++) RemoveFrom(shard, (*gone)[i]);
}

// The records of `gone` have been removed from their shards.
void Head::Forget(std::vector<Slot> gone) {
  if (gone.empty()) return;
  num_series_.fetch_sub(gone.size(), std::memory_order_relaxed);
  counters_.series_removed.fetch_add(gone.size(), std::memory_order_relaxed);
  std::vector<uint32_t> pairs;
  {
    WriterLock lock(index_.mu());
    index_.Compact([&](Slot slot) { return slabs_.Record(slot).id() == 0; }, &pairs);
  }
  // Label sets may be read until the last reader that selected them is gone.
  pins_.Retire([this, gone = std::move(gone), pairs = std::move(pairs)] {
    {
      WriterLock lock(index_.mu());
      for (const Slot slot : gone) index_.FreeLabels(slabs_.Record(slot).labels.load());
      index_.FreePairs(pairs);
    }
    for (const Slot slot : gone) {
      Shard& shard = *shards_[slabs_.ShardOf(slot)];
      MutexLock lock(shard.mu);
      shard.free_slots.push_back(slot);
    }
  });
}

void Head::DropChunkFiles() {
  uint32_t oldest_file = keep_chunk_files_from_.load(std::memory_order_relaxed);
  for (auto& shard : shards_) {
    MutexLock lock(shard->mu);
    shard->map.ForEach([&](Slot slot) NO_THREAD_SAFETY_ANALYSIS {
      const auto sealed = shard->chunks.Sealed(slabs_.Record(slot));
      for (const SealedEntry& e : sealed) {
        if ((e.location & kInMemory) != 0) continue;
        oldest_file = std::min(oldest_file, SealedChunks::FileOf(e.location));
        break;
      }
    });
  }
  // What was read for a block, mostly: no reader needs it soon.
  auto old_maps = std::make_shared<std::vector<std::unique_ptr<MappedFile>>>(sealed_->MapAnew());
  // Readers that copied a series' list of chunks while it was there are about to read them.
  pins_.Retire([this, oldest_file, old_maps] {
    if (oldest_file != UINT32_MAX) sealed_->DropBelow(oldest_file);
    sealed_->FreeDropped();
    old_maps->clear();
  });
  pins_.Reclaim();
}

void Head::Truncate(const std::function<void(const std::vector<Slot>&)>& leaving) {
  const int64_t cut_ms = floor_ms();
  // Readers that still see below the floor, and appenders that hold references.
  pins_.WaitForPresent();
  for (auto& shard : shards_) DropSamples(shard.get(), cut_ms);
  // An appender that found its series before the mark may be about to commit: it comes first.
  appender_pins_.WaitForPresent();
  if (leaving) leaving(FindLeaving(cut_ms));
  std::vector<Slot> gone;
  for (auto& shard : shards_) RemoveLeaving(shard.get(), cut_ms, &gone);
  Forget(std::move(gone));
  DropChunkFiles();
}

// ---- series that ended ----

std::vector<EndedSeries> Head::MarkEnded(int64_t stale_ms) {
  const int64_t min_valid_ms = MinValidMs();
  std::vector<EndedSeries> ended;
  for (auto& shard : shards_) {
    MutexLock lock(shard->mu);
    shard->map.ForEach([&](Slot slot) NO_THREAD_SAFETY_ANALYSIS {
      SeriesRecord& r = slabs_.Record(slot);
      const int64_t last_ms = r.last_ms.load(std::memory_order_relaxed);
      const bool stale = last_ms <= stale_ms && !r.Has(kFlagHistogram) &&
                         r.last_bits.load(std::memory_order_relaxed) == kStaleNanBits;
      if (last_ms == kMinTimeMs || (!stale && last_ms >= min_valid_ms)) return;
      // Late samples wait for their own cut.
      const SeriesSide* side = shard->FindSide(slot, r);
      if (side != nullptr && !(side->late.empty() && side->late_histograms.empty())) return;
      r.Set(kFlagLeaving);
      ended.push_back({.slot = slot, .id = r.id(), .last_ms = last_ms});
    });
  }
  return ended;
}

size_t Head::RemoveEnded(const std::vector<EndedSeries>& ended) {
  pins_.WaitForPresent();
  std::vector<Slot> gone;
  for (const EndedSeries& e : ended) {
    Shard& shard = *shards_[slabs_.ShardOf(e.slot)];
    MutexLock lock(shard.mu);
    const SeriesRecord& r = slabs_.Record(e.slot);
    if (r.id() != e.id || !r.Has(kFlagLeaving) ||
        r.last_ms.load(std::memory_order_relaxed) != e.last_ms) {
      continue;
    }
    const SeriesSide* side = shard.FindSide(e.slot, r);
    if (side != nullptr && !(side->late.empty() && side->late_histograms.empty())) continue;
    RemoveFrom(&shard, e.slot);
    gone.push_back(e.slot);
  }
  const size_t removed = gone.size();
  Forget(std::move(gone));
  DropChunkFiles();
  return removed;
}

void Head::TrimMemory() {
  const uint64_t oldest = isolation_.Watermarks().front();
  for (auto& shard : shards_) {
    MutexLock lock(shard->mu);
    shard->undo.Trim(oldest);
  }
  arena_.Trim();
  index_.TrimMemory();
}

// ---- numbers ----

ChunkCounts Head::Chunks() const {
  ChunkCounts total;
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mu);
    const ChunkCounts counts = shard->chunks.counts();
    total.made += counts.made;
    total.gone += counts.gone;
  }
  return total;
}

HeadMemory Head::Memory() const {
  HeadMemory memory{.records = slabs_.size_bytes()};
  const uint64_t pages = arena_.size_bytes();
  for (const auto& shard : shards_) {
    MutexLock lock(shard->mu);
    memory.series_map += shard->map.size_bytes();
    memory.chunks += shard->chunks.used_bytes();
  }
  // Chunks may have come and gone since the pages were counted.
  memory.chunks_unused = pages - std::min(pages, memory.chunks);
  ReaderLock lock(index_.mu());
  memory.labels = index_.label_bytes();
  memory.labels_unused = index_.page_bytes() - std::min(index_.page_bytes(), memory.labels);
  memory.pairs = index_.pair_bytes();
  memory.postings = index_.posting_bytes();
  return memory;
}

}  // namespace deucalion::tsdb
