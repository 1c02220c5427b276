// HeadIndex: labels and the inverted index of the series in memory.
//
// The unit is the label pair (name=value): kept once, in the encoded form of Labels, with the
// postings of the series that have it. A series' labels are the list of its pair ids, so that
// comparing and copying a label set is a memcmp or memcpy per pair. Postings hold series numbers,
// which are given out ascending and name slots through a table; Compact() drops series that have
// left and renumbers.
//
// Lookups and changes need the lock that the method asks for: `mu` is the owner's to take, once
// around a whole selection. CopyLabels, Equals and ValueIn read immutable memory and need none, as
// long as the caller pins the series (EpochPins).
#ifndef DEUCALION_TSDB_HEAD_HEAD_INDEX_H_
#define DEUCALION_TSDB_HEAD_HEAD_INDEX_H_

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "model/labels.h"
#include "tsdb/head/arena.h"
#include "tsdb/head/posting_list.h"
#include "tsdb/head/series_record.h"
#include "tsdb/index/index_reader.h"

namespace deucalion::tsdb {

struct LabelTextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return Hash64(text); }
};

class HeadIndex final : public IndexReader {
 public:
  // `slabs` must outlive the index: ValueOf reaches labels through the records.
  explicit HeadIndex(const SeriesSlabs* slabs);
  ~HeadIndex() override;

  SharedMutex& mu() const { return mu_; }

  // ---- labels of a series, lock-free ----

  bool Equals(ArenaRef labels, LabelsView view) const;
  void CopyLabels(ArenaRef labels, std::string* out) const;

  // The ids of the pairs of a label set, as InternPairs takes them.
  std::span<const uint32_t> PairsOf(ArenaRef labels) const;
  // One of them, in the encoding of Labels.
  std::string_view PairText(uint32_t id) const;
  // Appends those pairs whose name is one of `name_ids`.
  void AppendPairs(ArenaRef labels, std::span<const uint32_t> name_ids, std::string* out) const;

  // ---- changes, under mu() exclusively ----

  // One pair, in the encoding of Labels; its id, or UINT32_MAX when memory is exhausted.
  uint32_t InternPair(std::string_view encoded);
  // A label set of pairs that are there. 0 when memory is exhausted.
  ArenaRef InternPairs(std::span<const uint32_t> pairs);

  // Stores the label set; 0 when memory is exhausted.
  ArenaRef InternLabels(LabelsView labels);
  // Enters the series into the postings of all its pairs.
  void Add(ArenaRef labels, Slot slot);
  // Drops every series that `gone` says has left, and pairs nobody has any more. Those pairs can no
  // longer be found but stay readable until FreePairs: call it when no pinned reader can hold them.
  void Compact(const std::function<bool(Slot)>& gone, std::vector<uint32_t>* retired_pairs);
  void FreePairs(const std::vector<uint32_t>& pairs);
  // The list itself, under the same rule.
  void FreeLabels(ArenaRef labels);
  // As Arena::Trim; needs no lock.
  void TrimMemory() { arena_.Trim(); }

  // ---- reading, under mu() at least shared ----

  uint64_t NumSeries() const override { return all_.size(); }
  Result<Postings> AllPostings() const override;
  bool FindValue(std::string_view name, std::string_view value, IndexValue* out) const override;
  uint64_t NumValues(std::string_view name) const override;
  Status VisitValues(std::string_view name, std::string_view prefix,
                     const std::function<bool(const IndexValue&)>& visit) const override;
  // Sorts once, and again only what is new.
  Status SortedValues(std::string_view name, std::vector<std::string_view>* out) const override
      EXCLUDES(sorted_mu_);
  Result<Postings> PostingsOf(const IndexValue& value) const override;
  std::string_view ValueOf(SeriesNumber series, std::string_view name,
                           std::string* scratch) const override;
  Slot SlotOf(SeriesNumber series) const { return slots_[series]; }
  // All series in the order of their creation.
  const std::vector<Slot>& AllSlots() const { return slots_; }
  uint64_t num_pairs() const { return live_pairs_; }
  // Pair ids are below; "" for those that are free.
  uint32_t pair_limit() const { return pair_count_; }
  std::string_view LivePairText(uint32_t id) const {
    return PairAt(id).text == 0 ? std::string_view() : PairText(id);
  }
  // Names are numbered 0..num_names()-1; some may have no values any more.
  size_t num_names() const { return names_.size(); }
  // UINT32_MAX: no series has it.
  uint32_t NameId(std::string_view name) const;
  std::string_view NameText(uint32_t name_id) const { return *names_[name_id].text; }
  size_t NumValuesOf(uint32_t name_id) const { return names_[name_id].pairs.size(); }
  // Marks the names among the labels of one series.
  void MarkNames(SeriesNumber series, std::vector<bool>* seen) const;

  // Memory: label sets and pair texts; the pages they lie in; what is kept per pair and name;
  // postings.
  size_t label_bytes() const { return pool_.used_bytes(); }
  size_t page_bytes() const { return arena_.size_bytes(); }
  size_t pair_bytes() const;
  size_t posting_bytes() const;

 private:
  struct Pair {
    ArenaRef text = 0;     // u32 size, then the pair as Labels encodes it; immutable
    uint32_t name_id = 0;  // immutable
    PostingList postings;  // guarded by mu_
  };
  struct Name {
    const std::string* text = nullptr;  // key of name_ids_
    std::vector<uint32_t> pairs;        // ids, in no order
  };
  // The values of one name's first `pairs` pairs.
  struct Sorted {
    size_t pairs = 0;
    std::vector<std::string_view> values;
  };
  // Names with more values keep no sorted list: 16 bytes each.
  static constexpr size_t kMostSorted = 100'000;
  static constexpr uint32_t kPairShift = 12;
  static constexpr uint32_t kMaxPairBlocks = 1u << 18;

  Pair& PairAt(uint32_t id) const {
    return pair_blocks_[id >> kPairShift].load(
        std::memory_order_acquire)[id & ((1u << kPairShift) - 1)];
  }
  static std::string_view ValueIn(std::string_view pair_text);
  uint32_t FindPair(std::string_view encoded, uint64_t hash) const;
  uint32_t FindOrAddPair(std::string_view name, std::string_view encoded);
  void GrowPairTable();
  uint32_t AllocPair();

  struct TableEntry {
    uint32_t tag = 0;
    uint32_t pair = 0;  // id + 1; 0 = free
  };

  const SeriesSlabs* slabs_;
  mutable SharedMutex mu_;
  Arena arena_;  // label lists and pair texts
  SizeClassPool pool_;
  std::atomic<Pair*>* pair_blocks_;
  uint32_t pair_count_ = 0;  // ids given out, free ones included
  std::vector<uint32_t> free_pairs_;
  uint64_t live_pairs_ = 0;
  std::vector<TableEntry> table_;
  std::unordered_map<std::string, uint32_t, LabelTextHash, std::equal_to<>> name_ids_;
  std::vector<Name> names_;
  PostingList all_;
  size_t posting_heap_bytes_ = 0;  // of the pairs' lists
  std::vector<Slot> slots_;        // by series number
  // By name id, of names that somebody asked for. Compact() forgets those that lose values. Guarded
  // by sorted_mu_ under mu_ shared.
  mutable Mutex sorted_mu_;
  mutable std::unordered_map<uint32_t, Sorted> sorted_ GUARDED_BY(sorted_mu_);
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_HEAD_INDEX_H_
