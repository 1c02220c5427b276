#include "tsdb/head/label_order.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace deucalion::tsdb {
namespace {

constexpr uint32_t kNoPair = UINT32_MAX;

// Numbers the distinct ids of a column in the order in which they are met.
class Distinct {
 public:
  Distinct() : table_(64, Entry{kNoPair, 0}) {}

  uint32_t Find(uint32_t id) {
    size_t i = Home(id);
    while (table_[i].id != kNoPair) {
      if (table_[i].id == id) return table_[i].number;
      i = (i + 1) & (table_.size() - 1);
    }
    const auto number = static_cast<uint32_t>(ids_.size());
    table_[i] = {id, number};
    ids_.push_back(id);
    if (ids_.size() * 2 > table_.size()) Grow();
    return number;
  }
  const std::vector<uint32_t>& ids() const { return ids_; }

 private:
  struct Entry {
    uint32_t id;
    uint32_t number;
  };
  size_t Home(uint32_t id) const { return (id * 0x9e3779b1u) & (table_.size() - 1); }
  void Grow() {
    table_.assign(table_.size() * 4, Entry{kNoPair, 0});
    for (uint32_t n = 0; n < ids_.size(); n++) {
      size_t i = Home(ids_[n]);
      while (table_[i].id != kNoPair) i = (i + 1) & (table_.size() - 1);
      table_[i] = {ids_[n], n};
    }
  }

  std::vector<Entry> table_;
  std::vector<uint32_t> ids_;
};

// Rows of as many 64-bit words as it takes.
class Keys {
 public:
  explicit Keys(size_t rows) : rows_(rows) {}

  // One more column: `rank_of(row)`, all below 1 << bits.
  template <typename RankOf>
  void Add(unsigned bits, RankOf rank_of) {
    if (words_.empty() || used_ + bits > 64) {
      words_.emplace_back(rows_);
      used_ = 0;
    }
    used_ += bits;
    std::vector<uint64_t>& word = words_.back();
    for (size_t row = 0; row < rows_; row++) word[row] = word[row] << bits | rank_of(row);
  }

  std::vector<uint32_t> Order() const {
    std::vector<uint32_t> order(rows_);
    std::iota(order.begin(), order.end(), 0);
    if (words_.empty()) return order;
    const std::vector<uint64_t>& first = words_[0];
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      if (first[a] != first[b]) return first[a] < first[b];
      for (size_t w = 1; w < words_.size(); w++) {
        if (words_[w][a] != words_[w][b]) return words_[w][a] < words_[w][b];
      }
      return a < b;
    });
    return order;
  }

 private:
  const size_t rows_;
  std::vector<std::vector<uint64_t>> words_;
  unsigned used_ = 0;  // bits of the last word
};

void AddColumn(const HeadIndex& index, std::span<const uint32_t> ids, Keys* keys) {
  if (std::all_of(ids.begin(), ids.end(), [&](uint32_t id) { return id == ids[0]; })) return;
  // A set that has no pair here sorts first: its number is 0.
  Distinct distinct;
  std::vector<uint32_t> numbers(ids.size());
  for (size_t row = 0; row < ids.size(); row++) {
    numbers[row] = ids[row] == kNoPair ? 0 : distinct.Find(ids[row]) + 1;
  }
  std::vector<uint32_t> sorted(distinct.ids().size());
  std::iota(sorted.begin(), sorted.end(), 0);
  std::vector<LabelsView> texts;
  for (const uint32_t id : distinct.ids()) texts.emplace_back(index.PairText(id));
  std::sort(sorted.begin(), sorted.end(),
            [&](uint32_t a, uint32_t b) { return texts[a] < texts[b]; });
  std::vector<uint32_t> ranks(sorted.size() + 1);
  for (uint32_t rank = 0; rank < sorted.size(); rank++) ranks[sorted[rank] + 1] = rank + 1;
  keys->Add(static_cast<unsigned>(std::bit_width(sorted.size())),
            [&](size_t row) { return ranks[numbers[row]]; });
}

}  // namespace

std::vector<uint32_t> OrderByLabels(const HeadIndex& index, std::span<const ArenaRef> labels) {
  Keys keys(labels.size());
  if (labels.size() < 2) return keys.Order();
  size_t positions = 0;
  for (const ArenaRef ref : labels) positions = std::max(positions, index.PairsOf(ref).size());
  // A few columns at a time: a label list is looked at seldom, and one long list costs no memory.
  constexpr size_t kAtOnce = 8;
  std::vector<uint32_t> columns(std::min(positions, kAtOnce) * labels.size());
  for (size_t begin = 0; begin < positions; begin += kAtOnce) {
    const size_t end = std::min(positions, begin + kAtOnce);
    for (size_t row = 0; row < labels.size(); row++) {
      const std::span<const uint32_t> ids = index.PairsOf(labels[row]);
      for (size_t p = begin; p < end; p++) {
        columns[(p - begin) * labels.size() + row] = p < ids.size() ? ids[p] : kNoPair;
      }
    }
    for (size_t p = begin; p < end; p++) {
      AddColumn(index, std::span(columns).subspan((p - begin) * labels.size(), labels.size()),
                &keys);
    }
  }
  return keys.Order();
}

}  // namespace deucalion::tsdb
