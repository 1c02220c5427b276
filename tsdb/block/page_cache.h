// PageCache: decompressed pages of blocks, least recently used out first. Pages stored raw never
// come here: they are read from the mapping. Thread-safe.
#ifndef DEUCALION_TSDB_BLOCK_PAGE_CACHE_H_
#define DEUCALION_TSDB_BLOCK_PAGE_CACHE_H_

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/thread_annotations.h"

namespace deucalion::tsdb {

using CachedPage = std::shared_ptr<const std::string>;

class PageCache {
 public:
  explicit PageCache(size_t capacity_bytes) : shard_bytes_(capacity_bytes / kShards) {}

  // Distinguishes the users of one cache.
  uint64_t NewOwner();
  // Null when it is not there.
  CachedPage Get(uint64_t owner, uint64_t page);
  void Put(uint64_t owner, uint64_t page, CachedPage bytes);

  // One for the whole process, for callers that have none of their own: 16 MiB, enough for the
  // pages that two dozen queries are in at one time.
  static PageCache* Shared();

 private:
  static constexpr size_t kShards = 8;
  struct Key {
    uint64_t owner, page;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const {
      return (k.owner * 0x9e3779b97f4a7c15 + k.page) * 0xff51afd7ed558ccd;
    }
  };
  struct Entry {
    Key key;
    CachedPage bytes;
  };
  struct Shard {
    Mutex mu;
    std::list<Entry> entries GUARDED_BY(mu);  // newest first
    std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> index GUARDED_BY(mu);
    size_t bytes GUARDED_BY(mu) = 0;
  };
  Shard& ShardOf(const Key& key) { return shards_[(KeyHash()(key) >> 40) % kShards]; }

  const size_t shard_bytes_;
  std::array<Shard, kShards> shards_;
  Mutex owners_mu_;
  uint64_t owners_ GUARDED_BY(owners_mu_) = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_PAGE_CACHE_H_
