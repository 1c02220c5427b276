#include "server/remote/order_cache.h"

#include <iterator>
#include <utility>

namespace deucalion::remote {
namespace {

// A list node and a map entry, roughly.
size_t BytesOf(const OrderCache::Order& order) {
  return order.size() * sizeof(OrderCache::Known) + 128;
}

// Who sends in turn repeats each of its orders once in as many hits as there are of them. One that
// comes eight times more rarely is still remembered.
constexpr uint64_t kRounds = 8;
constexpr uint64_t kFewHits = 64;

}  // namespace

std::shared_ptr<const OrderCache::Order> OrderCache::Get(uint64_t first_hash) {
  MutexLock lock(mu_);
  const auto it = by_hash_.find(first_hash);
  if (it == by_hash_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, it->second);
  Entry& entry = *it->second;
  entry.used_at = ++hits_;
  repeated_ += !entry.repeated;
  entry.repeated = true;
  return entry.order;
}

void OrderCache::Drop(std::list<Entry>::iterator entry) {
  bytes_ -= BytesOf(*entry->order);
  repeated_ -= entry->repeated;
  by_hash_.erase(entry->hash);
  by_use_.erase(entry);
}

void OrderCache::Put(uint64_t first_hash, std::shared_ptr<const Order> order) {
  const size_t added = BytesOf(*order);
  if (added > max_bytes_) return;
  MutexLock lock(mu_);
  bool repeated = false;
  if (const auto it = by_hash_.find(first_hash); it != by_hash_.end()) {
    repeated = it->second->repeated;
    Drop(it->second);
  }
  by_use_.push_front({first_hash, std::move(order), hits_, repeated});
  by_hash_[first_hash] = by_use_.begin();
  bytes_ += added;
  repeated_ += repeated;
  while (bytes_ > max_bytes_) Drop(std::prev(by_use_.end()));
  while (hits_ - by_use_.back().used_at > kRounds * repeated_ + kFewHits) {
    Drop(std::prev(by_use_.end()));
  }
}

}  // namespace deucalion::remote
