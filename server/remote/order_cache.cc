#include "server/remote/order_cache.h"

#include <utility>

namespace deucalion::remote {
namespace {

// A list node and a map entry, roughly.
size_t BytesOf(const OrderCache::Order& order) {
  return order.size() * sizeof(OrderCache::Known) + 128;
}

}  // namespace

std::shared_ptr<const OrderCache::Order> OrderCache::Get(uint64_t first_hash) {
  MutexLock lock(mu_);
  const auto it = by_hash_.find(first_hash);
  if (it == by_hash_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, it->second);
  return it->second->order;
}

void OrderCache::Put(uint64_t first_hash, std::shared_ptr<const Order> order) {
  const size_t added = BytesOf(*order);
  if (added > max_bytes_) return;
  MutexLock lock(mu_);
  if (const auto it = by_hash_.find(first_hash); it != by_hash_.end()) {
    bytes_ -= BytesOf(*it->second->order);
    by_use_.erase(it->second);
    by_hash_.erase(it);
  }
  by_use_.push_front({first_hash, std::move(order)});
  by_hash_[first_hash] = by_use_.begin();
  bytes_ += added;
  while (bytes_ > max_bytes_) {
    bytes_ -= BytesOf(*by_use_.back().order);
    by_hash_.erase(by_use_.back().hash);
    by_use_.pop_back();
  }
}

}  // namespace deucalion::remote
