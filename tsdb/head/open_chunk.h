// The open chunk of a series: how a sample gets into it, when it is sealed, and how a reader copies
// it.
//
// A chunk begins as a run held in the record alone (series_record.h). It becomes XOR bytes in the
// shard's pool when a sample differs, grows there, and is sealed: written to SealedChunks and
// entered in the series' sealed list, 16 bytes each. All calls under the shard's lock.
#ifndef DEUCALION_TSDB_HEAD_OPEN_CHUNK_H_
#define DEUCALION_TSDB_HEAD_OPEN_CHUNK_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/head/sealed_chunks.h"
#include "tsdb/head/series_record.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// One sealed chunk of a series. Chunks of a series follow each other in time.
struct SealedEntry {
  ChunkLocation location = 0;
  int64_t max_ms = 0;
};
// In place of a file location when the disk had no room: the chunk stays in the shard's pool, as
// u32 size, u8 encoding, u8 0, u16 count, bytes.
inline constexpr uint64_t kInMemory = uint64_t{1} << 63;

// A copy of everything needed to decode an open chunk without the lock. Reused.
struct OpenChunkCopy {
  bool run = false;
  uint16_t count = 0;
  int64_t first_ms = 0;  // of a run
  uint32_t delta = 0;
  uint64_t bits = 0;
  std::vector<char> bytes;  // XOR
};

// Chunks that ever were, and those of them that were dropped.
struct ChunkCounts {
  uint64_t made = 0;
  uint64_t gone = 0;
};

class OpenChunks {
 public:
  OpenChunks(Arena* arena, SealedChunks* sealed) : arena_(arena), pool_(arena), sealed_(sealed) {}

  // The caller has checked that time_ms is above last_ms.
  void Append(SeriesRecord* r, int64_t time_ms, uint64_t value_bits);
  // Seals what is open, if anything.
  void Seal(SeriesRecord* r);
  void AddSealed(SeriesRecord* r, SealedEntry entry);
  // Stores a chunk: on disk, or in memory when the disk has no room.
  ChunkLocation Store(const SealedChunkView& chunk);

  static std::span<const SealedEntry> Sealed(const Arena& arena, const SeriesRecord& r);
  std::span<const SealedEntry> Sealed(const SeriesRecord& r) const { return Sealed(*arena_, r); }
  // The chunk of an entry that kInMemory marks; valid under the lock.
  SealedChunkView InMemory(ChunkLocation location) const;
  void Copy(const SeriesRecord& r, OpenChunkCopy* out) const;
  // Time of the first sample of the open chunk.
  int64_t OpenMinMs(const SeriesRecord& r) const;
  // Forgets the sealed chunk at `location`. False when the series has none there.
  bool DropSealedAt(SeriesRecord* r, ChunkLocation location);
  // Forgets sealed chunks that end before `cut_ms`; returns how many.
  size_t DropSealedBefore(SeriesRecord* r, int64_t cut_ms);
  // Frees all memory of the series' samples.
  void Free(SeriesRecord* r);
  // Puts back what Copy gave (a checkpoint). The record's last_* fields must be set already.
  Status Restore(SeriesRecord* r, const OpenChunkCopy& copy);

  // Open ones of floats, and sealed ones.
  ChunkCounts counts() const {
    return {.made = sealed_ever_ + lost_ + open_, .gone = dropped_ + lost_};
  }
  size_t used_bytes() const { return pool_.used_bytes(); }

 private:
  struct SealedList {
    uint32_t capacity;
    uint32_t count;
    SealedEntry entries[];
  };

  void WriteOutRun(SeriesRecord* r);
  void AppendXor(SeriesRecord* r, int64_t time_ms, uint64_t value_bits);
  bool Grow(SeriesRecord* r, size_t used, size_t want);
  void FreeOpen(SeriesRecord* r);
  void FreeListIfEmpty(SeriesRecord* r);
  void Begin(SeriesRecord* r, int64_t time_ms, uint64_t value_bits);

  Arena* arena_;
  SizeClassPool pool_;
  SealedChunks* sealed_;
  uint64_t open_ = 0;         // now
  uint64_t sealed_ever_ = 0;  // with those of a checkpoint
  uint64_t dropped_ = 0;      // sealed ones
  uint64_t lost_ = 0;         // freed while they were open
};

// Appends the samples within [min_ms, max_ms].
Status DecodeFloats(const SealedChunkView& chunk, int64_t min_ms, int64_t max_ms,
                    SampleColumns* out);
Status DecodeFloats(const OpenChunkCopy& chunk, int64_t min_ms, int64_t max_ms, SampleColumns* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_OPEN_CHUNK_H_
