// Postings: sorted sets of series numbers, and the algebra on them. Numbers are 32 bits and local
// to one index (head slots, or dense numbers of a block).
//
// Small against large gallops, like against like merges, many at once go through a bitmap.
#ifndef DEUCALION_TSDB_INDEX_POSTINGS_H_
#define DEUCALION_TSDB_INDEX_POSTINGS_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace deucalion::tsdb {

using SeriesNumber = uint32_t;
using PostingsView = std::span<const SeriesNumber>;

// A sorted set that either owns its numbers or borrows them from the index it came from: valid as
// long as that index does not change.
class Postings {
 public:
  Postings() = default;
  static Postings Borrow(PostingsView view) {
    Postings p;
    p.view_ = view;
    return p;
  }
  static Postings Own(std::vector<SeriesNumber> numbers) {
    Postings p;
    p.owned_ = std::move(numbers);
    p.view_ = p.owned_;
    return p;
  }
  Postings(Postings&& other) noexcept { *this = std::move(other); }
  Postings& operator=(Postings&& other) noexcept {
    const bool owns = !other.owned_.empty();
    owned_ = std::move(other.owned_);
    view_ = owns ? PostingsView(owned_) : other.view_;
    other.owned_.clear();
    other.view_ = {};
    return *this;
  }

  PostingsView view() const { return view_; }
  size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  bool owned() const { return !owned_.empty(); }
  // The numbers as a vector of their own.
  std::vector<SeriesNumber> Take() && {
    if (!owned_.empty()) return std::move(owned_);
    return {view_.begin(), view_.end()};
  }

 private:
  std::vector<SeriesNumber> owned_;
  PostingsView view_;
};

// All inputs are sorted without repeats, and so are the results.
std::vector<SeriesNumber> Intersect(PostingsView a, PostingsView b);
std::vector<SeriesNumber> Union(PostingsView a, PostingsView b);
std::vector<SeriesNumber> UnionAll(std::span<const PostingsView> lists);
// a without b.
std::vector<SeriesNumber> Subtract(PostingsView a, PostingsView b);
// In place: what of *a is in `b`, or is not.
void IntersectInPlace(std::vector<SeriesNumber>* a, PostingsView b);
void SubtractInPlace(std::vector<SeriesNumber>* a, PostingsView b);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INDEX_POSTINGS_H_
