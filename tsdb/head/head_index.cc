#include "tsdb/head/head_index.h"

#include <algorithm>
#include <cstring>

namespace deucalion::tsdb {
namespace {

// Ids of a label list: a count, then as many ids.
std::span<const uint32_t> Ids(const Arena& arena, ArenaRef labels) {
  const auto* words = reinterpret_cast<const uint32_t*>(arena.At(labels));
  return {words + 1, words[0]};
}

constexpr size_t ListBytes(size_t pairs) { return (pairs + 1) * sizeof(uint32_t); }

// The bytes of one pair inside the label set it came from.
std::string_view EncodedPair(const Label& label) {
  const char* begin = label.name.data() - (label.name.size() < 255 ? 1 : 4);
  return {begin, static_cast<size_t>(label.value.data() + label.value.size() - begin)};
}

}  // namespace

HeadIndex::HeadIndex(const SeriesSlabs* slabs)
    : slabs_(slabs),
      pool_(&arena_),
      pair_blocks_(static_cast<std::atomic<Pair*>*>(
          std::calloc(kMaxPairBlocks, sizeof(std::atomic<Pair*>)))) {
  table_.resize(1024);
}

HeadIndex::~HeadIndex() {
  for (uint32_t i = 0; i << kPairShift < pair_count_; i++) delete[] pair_blocks_[i].load();
  std::free(pair_blocks_);
}

// ---- labels ----

std::string_view HeadIndex::PairText(uint32_t id) const {
  const uint8_t* p = arena_.At(PairAt(id).text);
  uint32_t size;
  std::memcpy(&size, p, sizeof(size));
  return {reinterpret_cast<const char*>(p) + sizeof(size), size};
}

std::string_view HeadIndex::ValueIn(std::string_view pair_text) {
  return LabelsView(pair_text).begin()->value;
}

bool HeadIndex::Equals(ArenaRef labels, LabelsView view) const {
  std::string_view rest = view.bytes();
  for (const uint32_t id : Ids(arena_, labels)) {
    const std::string_view text = PairText(id);
    if (rest.size() < text.size() || std::memcmp(rest.data(), text.data(), text.size()) != 0) {
      return false;
    }
    rest.remove_prefix(text.size());
  }
  return rest.empty();
}

void HeadIndex::CopyLabels(ArenaRef labels, std::string* out) const {
  out->clear();
  for (const uint32_t id : Ids(arena_, labels)) out->append(PairText(id));
}

void HeadIndex::AppendPairs(ArenaRef labels, std::span<const uint32_t> name_ids,
                            std::string* out) const {
  size_t missing = name_ids.size();
  for (const uint32_t id : Ids(arena_, labels)) {
    if (missing == 0) return;
    const uint32_t name = PairAt(id).name_id;
    if (std::find(name_ids.begin(), name_ids.end(), name) == name_ids.end()) continue;
    out->append(PairText(id));
    missing--;
  }
}

// ---- pairs ----

uint32_t HeadIndex::FindPair(std::string_view encoded, uint64_t hash) const {
  const size_t mask = table_.size() - 1;
  const uint32_t tag = static_cast<uint32_t>(hash);
  for (size_t i = tag & mask; table_[i].pair != 0; i = (i + 1) & mask) {
    if (table_[i].tag == tag && PairText(table_[i].pair - 1) == encoded) return table_[i].pair - 1;
  }
  return UINT32_MAX;
}

uint32_t HeadIndex::AllocPair() {
  if (!free_pairs_.empty()) {
    const uint32_t id = free_pairs_.back();
    free_pairs_.pop_back();
    return id;
  }
  const uint32_t block = pair_count_ >> kPairShift;
  if (block >= kMaxPairBlocks) return UINT32_MAX;
  if (pair_blocks_[block].load(std::memory_order_relaxed) == nullptr) {
    pair_blocks_[block].store(new Pair[1u << kPairShift], std::memory_order_release);
  }
  return pair_count_++;
}

uint32_t HeadIndex::FindOrAddPair(std::string_view name, std::string_view encoded) {
  const uint64_t hash = Hash64(encoded);
  const uint32_t found = FindPair(encoded, hash);
  if (found != UINT32_MAX) return found;
  const ArenaRef text = pool_.Alloc(sizeof(uint32_t) + encoded.size());
  const uint32_t id = text == 0 ? UINT32_MAX : AllocPair();
  if (id == UINT32_MAX) return UINT32_MAX;
  const auto size = static_cast<uint32_t>(encoded.size());
  std::memcpy(arena_.At(text), &size, sizeof(size));
  std::memcpy(arena_.At(text) + sizeof(size), encoded.data(), encoded.size());

  auto it = name_ids_.find(name);
  if (it == name_ids_.end()) {
    it = name_ids_.emplace(std::string(name), static_cast<uint32_t>(names_.size())).first;
    names_.push_back({.text = &it->first, .pairs = {}});
  }
  Pair& pair = PairAt(id);
  pair.text = text;
  pair.name_id = it->second;
  names_[it->second].pairs.push_back(id);

  if ((live_pairs_ + 1) * 4 > table_.size() * 3) GrowPairTable();
  const size_t mask = table_.size() - 1;
  size_t i = static_cast<uint32_t>(hash) & mask;
  while (table_[i].pair != 0) i = (i + 1) & mask;
  table_[i] = {static_cast<uint32_t>(hash), id + 1};
  live_pairs_++;
  return id;
}

void HeadIndex::GrowPairTable() {
  std::vector<TableEntry> old(table_.size() * 2);
  old.swap(table_);
  const size_t mask = table_.size() - 1;
  for (const TableEntry& entry : old) {
    if (entry.pair == 0) continue;
    size_t i = entry.tag & mask;
    while (table_[i].pair != 0) i = (i + 1) & mask;
    table_[i] = entry;
  }
}

ArenaRef HeadIndex::InternLabels(LabelsView labels) {
  uint32_t ids[256];
  std::vector<uint32_t> many;
  size_t n = 0;
  for (const Label& label : labels) {
    const uint32_t id = FindOrAddPair(label.name, EncodedPair(label));
    if (id == UINT32_MAX) return 0;
    if (n == std::size(ids)) many.assign(ids, ids + n);
    if (n >= std::size(ids)) {
      many.push_back(id);
    } else {
      ids[n] = id;
    }
    n++;
  }
  return InternPairs({many.empty() ? ids : many.data(), n});
}

ArenaRef HeadIndex::InternPairs(std::span<const uint32_t> pairs) {
  const ArenaRef ref = pool_.Alloc(ListBytes(pairs.size()));
  if (ref == 0) return 0;
  auto* words = reinterpret_cast<uint32_t*>(arena_.At(ref));
  words[0] = static_cast<uint32_t>(pairs.size());
  std::copy(pairs.begin(), pairs.end(), words + 1);
  return ref;
}

uint32_t HeadIndex::InternPair(std::string_view encoded) {
  return FindOrAddPair(LabelsView(encoded).begin()->name, encoded);
}

std::span<const uint32_t> HeadIndex::PairsOf(ArenaRef labels) const { return Ids(arena_, labels); }

void HeadIndex::Add(ArenaRef labels, Slot slot) {
  const auto number = static_cast<SeriesNumber>(slots_.size());
  slots_.push_back(slot);
  all_.Append(number);
  for (const uint32_t id : Ids(arena_, labels)) {
    PostingList& postings = PairAt(id).postings;
    posting_heap_bytes_ -= postings.heap_bytes();
    postings.Append(number);
    posting_heap_bytes_ += postings.heap_bytes();
  }
}

void HeadIndex::Compact(const std::function<bool(Slot)>& gone,
                        std::vector<uint32_t>* retired_pairs) {
  constexpr SeriesNumber kGone = UINT32_MAX;
  std::vector<SeriesNumber> remap(slots_.size());
  SeriesNumber next = 0;
  for (size_t i = 0; i < slots_.size(); i++) {
    const Slot slot = slots_[i];
    remap[i] = gone(slot) ? kGone : next;
    if (remap[i] != kGone) slots_[next++] = slot;
  }
  if (next == slots_.size()) return;
  slots_.resize(next);
  if (slots_.capacity() > 2 * slots_.size()) slots_.shrink_to_fit();
  const auto to_new = [&](SeriesNumber n) { return remap[n]; };
  all_.Rewrite(kGone, to_new);
  posting_heap_bytes_ = 0;
  const size_t retired_before = retired_pairs->size();
  for (Name& name : names_) {
    const size_t pairs_before = name.pairs.size();
    std::erase_if(name.pairs, [&](uint32_t id) {
      Pair& pair = PairAt(id);
      pair.postings.Rewrite(kGone, to_new);
      posting_heap_bytes_ += pair.postings.heap_bytes();
      if (pair.postings.size() > 0) return false;
      retired_pairs->push_back(id);
      return true;
    });
    if (name.pairs.size() == pairs_before) continue;
    MutexLock lock(sorted_mu_);
    sorted_.erase(static_cast<uint32_t>(&name - names_.data()));
  }
  const size_t retired = retired_pairs->size() - retired_before;
  if (retired == 0) return;
  live_pairs_ -= retired;
  std::vector<bool> dead(pair_count_);
  for (size_t i = retired_before; i < retired_pairs->size(); i++) dead[(*retired_pairs)[i]] = true;
  size_t size = 1024;
  while (live_pairs_ * 2 > size) size *= 2;
  std::vector<TableEntry> old(size);
  old.swap(table_);
  for (const TableEntry& entry : old) {
    if (entry.pair == 0 || dead[entry.pair - 1]) continue;
    size_t i = entry.tag & (size - 1);
    while (table_[i].pair != 0) i = (i + 1) & (size - 1);
    table_[i] = entry;
  }
}

void HeadIndex::FreePairs(const std::vector<uint32_t>& pairs) {
  for (const uint32_t id : pairs) {
    Pair& pair = PairAt(id);
    pool_.Free(pair.text, sizeof(uint32_t) + PairText(id).size());
    pair.text = 0;
    free_pairs_.push_back(id);
  }
}

void HeadIndex::FreeLabels(ArenaRef labels) {
  pool_.Free(labels, ListBytes(Ids(arena_, labels).size()));
}

// ---- reading ----

Result<Postings> HeadIndex::AllPostings() const { return Postings::Borrow(all_.view()); }

bool HeadIndex::FindValue(std::string_view name, std::string_view value, IndexValue* out) const {
  if (value.empty()) return false;
  std::string encoded;
  AppendEncodedLabel(&encoded, name, value);
  const uint32_t id = FindPair(encoded, Hash64(encoded));
  if (id == UINT32_MAX) return false;
  const Pair& pair = PairAt(id);
  if (pair.postings.size() == 0) return false;
  *out = {.value = ValueIn(PairText(id)), .handle = id, .cardinality = pair.postings.size()};
  return true;
}

uint32_t HeadIndex::NameId(std::string_view name) const {
  const auto it = name_ids_.find(name);
  return it == name_ids_.end() ? UINT32_MAX : it->second;
}

uint64_t HeadIndex::NumValues(std::string_view name) const {
  const auto it = name_ids_.find(name);
  return it == name_ids_.end() ? 0 : names_[it->second].pairs.size();
}

Status HeadIndex::VisitValues(std::string_view name, std::string_view prefix,
                              const std::function<bool(const IndexValue&)>& visit) const {
  const auto it = name_ids_.find(name);
  if (it == name_ids_.end()) return OkStatus();
  for (const uint32_t id : names_[it->second].pairs) {
    const std::string_view value = ValueIn(PairText(id));
    if (!value.starts_with(prefix)) continue;
    if (!visit({.value = value, .handle = id, .cardinality = PairAt(id).postings.size()})) break;
  }
  return OkStatus();
}

Status HeadIndex::SortedValues(std::string_view name, std::vector<std::string_view>* out) const {
  out->clear();
  const auto it = name_ids_.find(name);
  if (it == name_ids_.end()) return OkStatus();
  const std::vector<uint32_t>& pairs = names_[it->second].pairs;
  MutexLock lock(sorted_mu_);
  Sorted passing;
  const bool keep = pairs.size() <= kMostSorted;
  if (!keep) sorted_.erase(it->second);
  Sorted& sorted = keep ? sorted_[it->second] : passing;
  auto& values = sorted.values;
  const auto old = static_cast<ptrdiff_t>(values.size());
  bool complete = true;
  for (size_t i = sorted.pairs; i < pairs.size(); i++) {
    const Pair& pair = PairAt(pairs[i]);
    // Of a checkpoint whose series were damaged; it may get one later.
    if (pair.postings.size() == 0) complete = false;
    if (pair.postings.size() > 0) values.push_back(ValueIn(PairText(pairs[i])));
  }
  std::sort(values.begin() + old, values.end());
  std::inplace_merge(values.begin(), values.begin() + old, values.end());
  sorted.pairs = pairs.size();
  *out = values;
  if (!complete) sorted_.erase(it->second);
  return OkStatus();
}

Result<Postings> HeadIndex::PostingsOf(const IndexValue& value) const {
  return Postings::Borrow(PairAt(static_cast<uint32_t>(value.handle)).postings.view());
}

std::string_view HeadIndex::ValueOf(SeriesNumber series, std::string_view name,
                                    std::string* scratch) const {
  const auto it = name_ids_.find(name);
  if (it == name_ids_.end()) return {};
  const ArenaRef labels = slabs_->Record(slots_[series]).labels.load(std::memory_order_acquire);
  for (const uint32_t id : Ids(arena_, labels)) {
    if (PairAt(id).name_id == it->second) return ValueIn(PairText(id));
  }
  return {};
}

void HeadIndex::MarkNames(SeriesNumber series, std::vector<bool>* seen) const {
  const ArenaRef labels = slabs_->Record(slots_[series]).labels.load(std::memory_order_acquire);
  for (const uint32_t id : Ids(arena_, labels)) (*seen)[PairAt(id).name_id] = true;
}

size_t HeadIndex::pair_bytes() const {
  size_t total = table_.capacity() * sizeof(TableEntry) +
                 static_cast<size_t>(pair_count_) * sizeof(Pair) +
                 free_pairs_.capacity() * sizeof(uint32_t);
  for (const Name& name : names_) total += name.pairs.capacity() * sizeof(uint32_t);
  return total;
}

size_t HeadIndex::posting_bytes() const {
  return posting_heap_bytes_ + all_.heap_bytes() + slots_.capacity() * sizeof(Slot);
}

}  // namespace deucalion::tsdb
