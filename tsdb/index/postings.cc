#include "tsdb/index/postings.h"

#include <algorithm>
#include <bit>

namespace deucalion::tsdb {
namespace {

// From this ratio on, looking each number of the small set up beats walking the large one.
constexpr size_t kGallopRatio = 16;

// First position at or behind `from` whose number is not below `want`: doubling steps, then binary
// search.
size_t Gallop(PostingsView list, size_t from, SeriesNumber want) {
  size_t step = 1;
  size_t low = from;
  size_t high = from;
  while (high < list.size() && list[high] < want) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  if (high > list.size()) high = list.size();
  return static_cast<size_t>(std::lower_bound(list.begin() + low, list.begin() + high, want) -
                             list.begin());
}

// Writes to `out` the numbers of `a` whose presence in `b` is `keep`. `out` may be a.data().
size_t Filter(PostingsView a, PostingsView b, bool keep, SeriesNumber* out) {
  size_t n = 0;
  if (b.size() / kGallopRatio > a.size()) {
    size_t j = 0;
    for (const SeriesNumber x : a) {
      j = Gallop(b, j, x);
      const bool found = j < b.size() && b[j] == x;
      out[n] = x;
      n += found == keep;
    }
    return n;
  }
  if (a.size() / kGallopRatio > b.size()) {
    size_t i = 0;
    for (const SeriesNumber x : b) {
      const size_t next = Gallop(a, i, x);
      if (!keep) {
        std::copy(a.begin() + i, a.begin() + next, out + n);
        n += next - i;
      }
      i = next;
      if (i == a.size()) break;
      if (a[i] != x) continue;
      if (keep) out[n++] = x;
      i++;
    }
    if (!keep) {
      std::copy(a.begin() + i, a.end(), out + n);
      n += a.size() - i;
    }
    return n;
  }
  size_t j = 0;
  for (const SeriesNumber x : a) {
    while (j < b.size() && b[j] < x) j++;
    const bool found = j < b.size() && b[j] == x;
    out[n] = x;
    n += found == keep;
  }
  return n;
}

std::vector<SeriesNumber> FilterNew(PostingsView a, PostingsView b, bool keep) {
  std::vector<SeriesNumber> out(a.size());
  out.resize(Filter(a, b, keep, out.data()));
  return out;
}

std::vector<SeriesNumber> UnionByBitmap(std::span<const PostingsView> lists, SeriesNumber low,
                                        SeriesNumber high, size_t total) {
  std::vector<uint64_t> words((high - low) / 64 + 1);
  for (const PostingsView list : lists) {
    for (const SeriesNumber x : list) words[(x - low) >> 6] |= uint64_t{1} << ((x - low) & 63);
  }
  std::vector<SeriesNumber> out;
  out.reserve(total);
  for (size_t w = 0; w < words.size(); w++) {
    for (uint64_t bits = words[w]; bits != 0; bits &= bits - 1) {
      out.push_back(low + static_cast<SeriesNumber>(w * 64) +
                    static_cast<SeriesNumber>(std::countr_zero(bits)));
    }
  }
  return out;
}

}  // namespace

std::vector<SeriesNumber> Intersect(PostingsView a, PostingsView b) {
  return a.size() <= b.size() ? FilterNew(a, b, true) : FilterNew(b, a, true);
}

std::vector<SeriesNumber> Subtract(PostingsView a, PostingsView b) {
  return FilterNew(a, b, false);
}

void IntersectInPlace(std::vector<SeriesNumber>* a, PostingsView b) {
  a->resize(Filter(*a, b, true, a->data()));
}

void SubtractInPlace(std::vector<SeriesNumber>* a, PostingsView b) {
  a->resize(Filter(*a, b, false, a->data()));
}

std::vector<SeriesNumber> Union(PostingsView a, PostingsView b) {
  std::vector<SeriesNumber> out(a.size() + b.size());
  out.resize(std::set_union(a.begin(), a.end(), b.begin(), b.end(), out.begin()) - out.begin());
  return out;
}

std::vector<SeriesNumber> UnionAll(std::span<const PostingsView> lists) {
  size_t total = 0;
  SeriesNumber low = UINT32_MAX;
  SeriesNumber high = 0;
  const PostingsView* first = nullptr;
  const PostingsView* second = nullptr;
  size_t filled = 0;
  for (const PostingsView& list : lists) {
    if (list.empty()) continue;
    total += list.size();
    low = std::min(low, list.front());
    high = std::max(high, list.back());
    if (filled == 0) first = &list;
    if (filled == 1) second = &list;
    filled++;
  }
  if (filled == 0) return {};
  if (filled == 1) return {first->begin(), first->end()};
  if (filled == 2) return Union(*first, *second);
  // A bitmap costs an eighth of a byte per number of the range; sorting costs the logarithm.
  if ((high - low) / 64 <= total * 4) return UnionByBitmap(lists, low, high, total);
  std::vector<SeriesNumber> out;
  out.reserve(total);
  for (const PostingsView list : lists) out.insert(out.end(), list.begin(), list.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace deucalion::tsdb
