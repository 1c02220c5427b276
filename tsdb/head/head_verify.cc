// Looking for damage in the files of sealed chunks, beside all else that goes on.
#include "tsdb/head/head.h"

namespace deucalion::tsdb {

uint64_t Head::DropDamagedChunks() {
  uint64_t dropped = 0;
  std::vector<Slot> slots;
  std::vector<ChunkLocation> locations;
  for (auto& shard : shards_) {
    slots.clear();
    {
      MutexLock lock(shard->mu);
      shard->map.ForEach([&](Slot slot) { slots.push_back(slot); });
    }
    for (const Slot slot : slots) {
      // Keeps the files mapped; short, so that no truncation waits for the whole walk.
      const uint64_t pin = pins_.Pin();
      SeriesRecord& r = slabs_.Record(slot);
      locations.clear();
      {
        MutexLock lock(shard->mu);
        for (const SealedEntry& e : shard->chunks.Sealed(r)) {
          // Below the floor files may be gone already.
          if ((e.location & kInMemory) == 0 && e.max_ms >= floor_ms()) {
            locations.push_back(e.location);
          }
        }
      }
      for (const ChunkLocation location : locations) {
        if (sealed_->Read(location).ok()) continue;
        MutexLock lock(shard->mu);
        if (shard->chunks.DropSealedAt(&r, location)) dropped++;
      }
      pins_.Unpin(pin);
    }
  }
  return dropped;
}

}  // namespace deucalion::tsdb
