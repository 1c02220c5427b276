#include "tsdb/block/page_cache.h"

namespace deucalion::tsdb {

uint64_t PageCache::NewOwner() {
  MutexLock lock(owners_mu_);
  return ++owners_;
}

CachedPage PageCache::Get(uint64_t owner, uint64_t page) {
  const Key key{owner, page};
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mu);
  const auto it = shard.index.find(key);
  if (it == shard.index.end()) return nullptr;
  shard.entries.splice(shard.entries.begin(), shard.entries, it->second);
  return it->second->bytes;
}

void PageCache::Put(uint64_t owner, uint64_t page, CachedPage bytes) {
  const Key key{owner, page};
  Shard& shard = ShardOf(key);
  if (bytes->size() > shard_bytes_) return;
  MutexLock lock(shard.mu);
  if (shard.index.contains(key)) return;
  shard.bytes += bytes->size();
  shard.entries.push_front({key, std::move(bytes)});
  shard.index.emplace(key, shard.entries.begin());
  while (shard.bytes > shard_bytes_) {
    shard.bytes -= shard.entries.back().bytes->size();
    shard.index.erase(shard.entries.back().key);
    shard.entries.pop_back();
  }
}

PageCache* PageCache::Shared() {
  static PageCache* cache = new PageCache(16 << 20);
  return cache;
}

}  // namespace deucalion::tsdb
