// PostingList: an append-only ascending list of series numbers in 16 bytes. Up to two numbers live
// in the list itself: most pairs of a fleet (pod, id, path) belong to few series.
#ifndef DEUCALION_TSDB_HEAD_POSTING_LIST_H_
#define DEUCALION_TSDB_HEAD_POSTING_LIST_H_

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tsdb/index/postings.h"

namespace deucalion::tsdb {

// Thread-compatible.
class PostingList {
 public:
  PostingList() = default;
  ~PostingList() { Clear(); }
  PostingList(const PostingList&) = delete;
  PostingList& operator=(const PostingList&) = delete;

  PostingsView view() const { return {data(), size_}; }
  size_t size() const { return size_; }
  // `number` is above all that are in the list.
  void Append(SeriesNumber number) {
    if (size_ == capacity_) Grow();
    mutable_data()[size_++] = number;
  }
  // Replaces each number by remap(number); those that become `kDrop` go. The order must survive.
  template <typename Remap>
  void Rewrite(SeriesNumber drop, Remap remap) {
    SeriesNumber* numbers = mutable_data();
    uint32_t kept = 0;
    for (uint32_t i = 0; i < size_; i++) {
      const SeriesNumber mapped = remap(numbers[i]);
      numbers[kept] = mapped;
      kept += mapped != drop;
    }
    size_ = kept;
    if (capacity_ > kInline && size_ < capacity_ / 2) Reallocate(size_);
  }
  void Clear() {
    if (capacity_ > kInline) std::free(heap_);
    size_ = 0;
    capacity_ = kInline;
  }
  size_t heap_bytes() const { return capacity_ > kInline ? capacity_ * sizeof(SeriesNumber) : 0; }

 private:
  static constexpr uint32_t kInline = 2;

  const SeriesNumber* data() const { return capacity_ > kInline ? heap_ : inline_; }
  SeriesNumber* mutable_data() { return capacity_ > kInline ? heap_ : inline_; }
  void Grow() { Reallocate(capacity_ == kInline ? 6 : capacity_ + capacity_ / 2); }
  // To `capacity`, at least the size.
  void Reallocate(uint32_t capacity) {
    if (capacity <= kInline) {
      SeriesNumber* old = heap_;
      std::memcpy(inline_, old, size_ * sizeof(SeriesNumber));
      std::free(old);
      capacity_ = kInline;
      return;
    }
    void* p = std::realloc(capacity_ > kInline ? heap_ : nullptr, capacity * sizeof(SeriesNumber));
    if (p == nullptr) throw std::bad_alloc();
    if (capacity_ <= kInline) std::memcpy(p, inline_, size_ * sizeof(SeriesNumber));
    heap_ = static_cast<SeriesNumber*>(p);
    capacity_ = capacity;
  }

  uint32_t size_ = 0;
  uint32_t capacity_ = kInline;
  union {
    SeriesNumber inline_[kInline] = {};
    SeriesNumber* heap_;
  };
};
static_assert(sizeof(PostingList) == 16);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_POSTING_LIST_H_
