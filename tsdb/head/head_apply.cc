// Applying commits: what is in the WAL becomes part of the series. Live commits and replay share
// it.
#include <algorithm>
#include <bit>

#include "tsdb/head/head.h"

namespace deucalion::tsdb {
namespace {

// Far enough ahead that the record has arrived, near enough that it has not left the cache again.
constexpr size_t kPrefetchAhead = 8;
// Half way: the record has arrived by then, and says where its chunk is.
constexpr size_t kPrefetchChunkAhead = 4;
// An open chunk of histograms is decompressed whole by every reader.
constexpr uint16_t kMaxHistograms = 60;
constexpr size_t kMaxHistogramBytes = 8192;

// Calls visit(shard, indexes of its samples) once for each shard that has any.
template <typename Staged, typename Visit>
void ByShard(Head* head, std::span<const Staged> samples, Visit visit) {
  const uint32_t shards = head->num_shards();
  thread_local std::vector<uint32_t> order;
  thread_local std::vector<uint16_t> shard_of;
  std::vector<uint32_t> begin(shards + 1);
  order.resize(samples.size());
  shard_of.resize(samples.size());
  for (size_t i = 0; i < samples.size(); i++) {
    shard_of[i] = static_cast<uint16_t>(head->slabs().ShardOf(samples[i].slot));
    begin[shard_of[i] + 1]++;
  }
  for (uint32_t s = 0; s < shards; s++) begin[s + 1] += begin[s];
  std::vector<uint32_t> next(begin.begin(), begin.end() - 1);
  for (size_t i = 0; i < samples.size(); i++) {
    order[next[shard_of[i]]++] = static_cast<uint32_t>(i);
  }
  for (uint32_t s = 0; s < shards; s++) {
    if (begin[s] == begin[s + 1]) continue;
    visit(&head->shard(s),
          std::span<const uint32_t>(order).subspan(begin[s], begin[s + 1] - begin[s]));
  }
}

// Asks for the lines of the open chunk that the next sample is going to be written to.
void PrefetchChunk(const Arena& arena, const SeriesRecord& r) {
  if (r.chunk == 0) return;
  const uint8_t* data = arena.At(r.chunk);
  __builtin_prefetch(data, 1);
  __builtin_prefetch(data + r.bit_pos / 8, 1);
}

void Extend(Head::Applied* applied, int64_t time_ms) {
  applied->min_ms = std::min(applied->min_ms, time_ms);
  applied->max_ms = std::max(applied->max_ms, time_ms);
}

}  // namespace

void Head::BeginCommitOn(Shard* shard, Slot slot, SeriesRecord* r, uint64_t commit,
                         const std::vector<uint64_t>& watermarks) {
  if (r->commit == commit) return;
  if (r->commit > watermarks.front()) {
    shard->undo.Keep(slot, {.commit = r->commit, .before_ms = r->before_ms}, watermarks);
  }
  r->before_ms = r->last_ms.load(std::memory_order_relaxed);
  r->commit = commit;
}

void Head::ApplySamples(uint64_t commit, std::span<const StagedSample> samples,
                        std::span<const int64_t> starts, Applied* applied) {
  const std::vector<uint64_t> watermarks = isolation_.Watermarks();
  ByShard(this, samples, [&](Shard* shard, std::span<const uint32_t> order) {
    MutexLock lock(shard->mu);
    for (size_t i = 0; i < order.size(); i++) {
      if (i + kPrefetchAhead < order.size()) {
        slabs_.Prefetch(samples[order[i + kPrefetchAhead]].slot);
      }
      if (i + kPrefetchChunkAhead < order.size()) {
        PrefetchChunk(arena_, slabs_.Record(samples[order[i + kPrefetchChunkAhead]].slot));
      }
      const StagedSample& s = samples[order[i]];
      SeriesRecord& r = slabs_.Record(s.slot);
      const int64_t last_ms = r.last_ms.load(std::memory_order_relaxed);
      if (r.id() != s.id || s.time_ms <= last_ms) {
        applied->dropped++;
        if (s.time_ms != last_ms) applied->overtaken.push_back({order[i], r.commit != commit});
        continue;
      }
      BeginCommitOn(shard, s.slot, &r, commit, watermarks);
      if (r.Has(kFlagHistogram)) SealHistograms(shard, s.slot, &r);
      const uint64_t bits = std::bit_cast<uint64_t>(s.value);
      shard->chunks.Append(&r, s.time_ms, bits);
      if (bits == kStaleNanBits) [[unlikely]] {
        // A series that ended needs no open chunk.
        shard->chunks.Seal(&r);
        counters_.series_ended.fetch_add(1, std::memory_order_relaxed);
      }
      if (s.start != 0 || r.Has(kFlagStarts)) [[unlikely]] {
        NoteStart(shard, s.slot, &r, s.time_ms, s.start == 0 ? 0 : starts[s.start - 1]);
      }
      Extend(applied, s.time_ms);
    }
  });
}

// Start timestamps are kept where they change.
void Head::NoteStart(Shard* shard, Slot slot, SeriesRecord* r, int64_t time_ms, int64_t st_ms) {
  auto& starts = shard->SideOf(slot, r)->starts;
  const int64_t before = starts.empty() ? 0 : starts.back().second;
  if (before == st_ms) return;
  starts.emplace_back(time_ms, st_ms);
  r->Set(kFlagStarts);
}

namespace {

template <typename Late>
auto LateFrom(std::vector<Late>& late, int64_t time_ms) {
  return std::lower_bound(late.begin(), late.end(), time_ms,
                          [](const Late& l, int64_t t) { return l.time_ms < t; });
}

template <typename Late>
bool HasLateAt(std::vector<Late>& late, int64_t time_ms) {
  const auto at = LateFrom(late, time_ms);
  return at != late.end() && at->time_ms == time_ms;
}

}  // namespace

void Head::ApplyLate(uint64_t commit, std::span<const StagedSample> samples,
                     std::span<const int64_t> starts, Applied* applied) {
  ByShard(this, samples, [&](Shard* shard, std::span<const uint32_t> order) {
    MutexLock lock(shard->mu);
    for (const uint32_t i : order) {
      const StagedSample& s = samples[i];
      SeriesRecord& r = slabs_.Record(s.slot);
      if (r.id() != s.id) continue;
      SeriesSide* side = shard->SideOf(s.slot, &r);
      if (HasLateAt(side->late, s.time_ms) || HasLateAt(side->late_histograms, s.time_ms)) continue;
      side->late.insert(LateFrom(side->late, s.time_ms),
                        {.time_ms = s.time_ms,
                         .bits = std::bit_cast<uint64_t>(s.value),
                         .st_ms = s.start == 0 ? 0 : starts[s.start - 1],
                         .commit = commit});
      late_samples_.fetch_add(1, std::memory_order_relaxed);
      Extend(applied, s.time_ms);
    }
  });
}

void Head::ApplyLateHistograms(uint64_t commit, std::span<const StagedHistogram> samples,
                               Applied* applied) {
  ByShard(this, samples, [&](Shard* shard, std::span<const uint32_t> order) {
    MutexLock lock(shard->mu);
    for (const uint32_t i : order) {
      const StagedHistogram& s = samples[i];
      SeriesRecord& r = slabs_.Record(s.slot);
      if (r.id() != s.id) continue;
      SeriesSide* side = shard->SideOf(s.slot, &r);
      if (HasLateAt(side->late, s.time_ms) || HasLateAt(side->late_histograms, s.time_ms)) continue;
      const auto at = side->late_histograms.insert(LateFrom(side->late_histograms, s.time_ms),
                                                   {.time_ms = s.time_ms,
                                                    .st_ms = s.st_ms,
                                                    .commit = commit,
                                                    .is_float = s.is_float,
                                                    .bytes = s.bytes});
      late_samples_.fetch_add(LateWeight(*at), std::memory_order_relaxed);
      Extend(applied, s.time_ms);
    }
  });
}

void Head::SealHistograms(Shard* shard, Slot slot, SeriesRecord* r) {
  r->Clear(kFlagHistogram);
  SeriesSide* side = shard->FindSide(slot, *r);
  if (side == nullptr || side->histograms.count == 0) return;
  std::string bytes;
  const SealedChunkView chunk = tsdb::SealHistograms(side->histograms, &bytes);
  const ChunkLocation location = shard->chunks.Store(chunk);
  shard->chunks.AddSealed(
      r, {.location = location, .max_ms = r->last_ms.load(std::memory_order_relaxed)});
  side->histograms = {};
}

void Head::ApplyHistograms(uint64_t commit, std::span<const StagedHistogram> samples,
                           Applied* applied) {
  const std::vector<uint64_t> watermarks = isolation_.Watermarks();
  ByShard(this, samples, [&](Shard* shard, std::span<const uint32_t> order) {
    MutexLock lock(shard->mu);
    for (const uint32_t i : order) {
      const StagedHistogram& s = samples[i];
      SeriesRecord& r = slabs_.Record(s.slot);
      const int64_t last_ms = r.last_ms.load(std::memory_order_relaxed);
      if (r.id() != s.id || s.time_ms <= last_ms) {
        applied->dropped++;
        if (s.time_ms != last_ms) applied->overtaken.push_back({i, r.commit != commit});
        continue;
      }
      BeginCommitOn(shard, s.slot, &r, commit, watermarks);
      shard->chunks.Seal(&r);
      SeriesSide* side = shard->SideOf(s.slot, &r);
      OpenHistograms& open = side->histograms;
      if (open.count > 0 && (open.is_float != s.is_float || open.count >= kMaxHistograms ||
                             open.entries.size() >= kMaxHistogramBytes)) {
        SealHistograms(shard, s.slot, &r);
      }
      AppendHistogramEntry(&open, s.time_ms, s.st_ms, s.is_float, s.bytes);
      r.Set(kFlagHistogram);
      r.last_ms.store(s.time_ms, std::memory_order_relaxed);
      Extend(applied, s.time_ms);
    }
  });
}

void Head::SetMetadata(Slot slot, uint64_t id, const Metadata& metadata) {
  Shard& shard = *shards_[slabs_.ShardOf(slot)];
  MutexLock lock(shard.mu);
  SeriesRecord& r = slabs_.Record(slot);
  if (r.id() != id) return;
  shard.SideOf(slot, &r)->metadata = std::make_unique<Metadata>(metadata);
}

void Head::AddDeletion(Slot slot, uint64_t id, TimeInterval interval) {
  Shard& shard = *shards_[slabs_.ShardOf(slot)];
  MutexLock lock(shard.mu);
  SeriesRecord& r = slabs_.Record(slot);
  if (r.id() != id) return;
  AddInterval(&shard.SideOf(slot, &r)->deleted, interval);
}

}  // namespace deucalion::tsdb
