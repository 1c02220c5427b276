// Remembers in which order a sender names its series, so that the next request finds each of them
// at once: senders repeat their order, and bytes. A series whose labels came as the very same bytes
// at the same place needs no parsing of them; else storage checks a predicted ref in less time than
// it takes to look one up.
//
// Thread-safe. Bounded: the least recently used orders are forgotten, and those that went unused
// while the others came many times: of series that are no more.
#ifndef DEUCALION_SERVER_REMOTE_ORDER_CACHE_H_
#define DEUCALION_SERVER_REMOTE_ORDER_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/compare_hash.h"
#include "base/thread_annotations.h"
#include "tsdb/storage/appender.h"

namespace deucalion::remote {

class OrderCache {
 public:
  struct Known {
    SeriesRef ref = 0;  // 0: not stored
    Hash128 bytes;      // of the labels as they came; zero: not known
  };
  using Order = std::vector<Known>;

  explicit OrderCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  // That of the last request that began with this series (by hash); null if none.
  std::shared_ptr<const Order> Get(uint64_t first_hash) EXCLUDES(mu_);
  void Put(uint64_t first_hash, std::shared_ptr<const Order> order) EXCLUDES(mu_);

 private:
  struct Entry {
    uint64_t hash;
    std::shared_ptr<const Order> order;
    uint64_t used_at;  // in `hits_`
    bool repeated;     // was asked for
  };
  void Drop(std::list<Entry>::iterator entry) REQUIRES(mu_);

  const size_t max_bytes_;
  Mutex mu_;
  std::list<Entry> by_use_ GUARDED_BY(mu_);  // newest first
  std::unordered_map<uint64_t, std::list<Entry>::iterator> by_hash_ GUARDED_BY(mu_);
  size_t bytes_ GUARDED_BY(mu_) = 0;
  uint64_t hits_ GUARDED_BY(mu_) = 0;
  size_t repeated_ GUARDED_BY(mu_) = 0;  // entries
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_ORDER_CACHE_H_
