#include "scrape/loop/scrape_cache.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"

namespace deucalion::scrape {
namespace {

// A family's metadata outlives its metric by this many scrapes.
constexpr uint32_t kKeepMetadataScrapes = 10;
constexpr size_t kMinSlots = 64;

}  // namespace

void ScrapeCache::Begin() {
  ++iteration_;
  ResetPosition();
}

void ScrapeCache::Restart() {
  for (Series& s : series_) {
    if (s.seen == iteration_) s.seen = 0;
    if (s.tracked == iteration_) s.tracked = s.tracked_before ? iteration_ - 1 : 0;
  }
  ResetPosition();
}

void ScrapeCache::ResetPosition() {
  previous_ = kNone;
  predicted_ = first_;
  seen_count_ = 0;
  tracked_now_ = tracked_again_ = 0;
}

uint32_t ScrapeCache::TakePredicted() {
  const uint32_t index = predicted_;
  previous_ = index;
  predicted_ = series_[index].next;
  return index;
}

void ScrapeCache::Learn(uint32_t index) {
  if (previous_ == kNone) {
    first_ = index;
  } else {
    series_[previous_].next = index;
  }
  previous_ = index;
  predicted_ = series_[index].next;
}

uint32_t ScrapeCache::Find(std::string_view text) {
  if (slots_.empty()) return kNone;
  const auto hash = static_cast<uint32_t>(Hash64(text));
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i] != kNone; i = (i + 1) & mask) {
    const Series& s = series_[slots_[i]];
    if (s.hash == hash && s.view() == text) {
      const uint32_t index = slots_[i];
      Learn(index);
      return index;
    }
  }
  return kNone;
}

uint32_t ScrapeCache::Add(std::string_view text, SeriesRef ref, bool dropped) {
  const std::string_view stored = Store(text);
  const auto index = static_cast<uint32_t>(series_.size());
  series_.push_back({.ref = ref,
                     .text = stored.data(),
                     .text_size = static_cast<uint32_t>(stored.size()),
                     .hash = static_cast<uint32_t>(Hash64(stored)),
                     .dropped = dropped});
  live_text_bytes_ += text.size();
  if (series_.size() * 4 > slots_.size() * 3) {
    Rehash(std::max(kMinSlots, slots_.size() * 2));
  } else {
    Insert(index);
  }
  Learn(index);
  return index;
}

void ScrapeCache::Track(uint32_t index) {
  Series& s = series_[index];
  if (s.tracked == iteration_) return;
  s.tracked_before = s.tracked == iteration_ - 1;
  s.tracked = iteration_;
  ++tracked_now_;
  if (s.tracked_before) ++tracked_again_;
}

void ScrapeCache::Untrack(uint32_t index) {
  Series& s = series_[index];
  if (s.tracked != iteration_) return;
  --tracked_now_;
  if (s.tracked_before) --tracked_again_;
  s.tracked = s.tracked_before ? iteration_ - 1 : 0;
}

std::vector<uint32_t> ScrapeCache::Stale(bool failed) const {
  std::vector<uint32_t> stale;
  if (!failed && tracked_again_ == tracked_last_) return stale;
  for (uint32_t i = 0; i < series_.size(); ++i) {
    const Series& s = series_[i];
    const bool before = s.tracked == iteration_ - 1;
    const bool both = s.tracked == iteration_ && s.tracked_before;
    if (before || (failed && both)) stale.push_back(i);
  }
  return stale;
}

bool ScrapeCache::Done(bool success) {
  bool forced = false;
  if (!success) {
    // Nobody of this iteration counts as a subject of the next.
    for (Series& s : series_) {
      if (s.tracked == iteration_) s.tracked = 0;
    }
    tracked_now_ = 0;
    forced = series_.size() + metadata_count() > good_size_ * 2 + 1000;
  }
  tracked_last_ = tracked_now_;
  if (!success && !forced) return false;
  if (seen_count_ != series_.size()) Compact();
  {
    MutexLock lock(meta_mu_);
    const size_t erased = std::erase_if(families_, [this](const auto& item) {
      const bool old = iteration_ - item.second->seen > kKeepMetadataScrapes;
      if (old && last_family_ == item.second.get()) last_family_ = nullptr;
      return old;
    });
    // A guess must not point to what was erased.
    if (erased != 0) {
      for (auto& [name, family] : families_) family->next = nullptr;
    }
    if (success) good_size_ = series_.size() + families_.size();
  }
  return forced;
}

void ScrapeCache::Compact() {
  std::vector<uint32_t> moved(series_.size(), kNone);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < series_.size(); ++i) {
    if (series_[i].seen != iteration_) {
      live_text_bytes_ -= series_[i].text_size;
      continue;
    }
    moved[i] = kept;
    series_[kept++] = series_[i];
  }
  series_.resize(kept);
  const auto map = [&moved](uint32_t i) { return i == kNone ? kNone : moved[i]; };
  for (Series& s : series_) s.next = map(s.next);
  first_ = map(first_);
  previous_ = predicted_ = kNone;
  if (text_bytes_ > 2 * live_text_bytes_ + kBlockBytes) {
    std::vector<std::unique_ptr<char[]>> old = std::move(blocks_);
    blocks_.clear();
    block_used_ = kBlockBytes;
    text_bytes_ = 0;
    for (Series& s : series_) s.text = Store(s.view()).data();
  }
  if (series_.capacity() > 4 * series_.size() + 64) series_.shrink_to_fit();
  size_t slots = kMinSlots;
  while (slots * 3 < series_.size() * 4 + 4) slots *= 2;
  Rehash(slots);
}

std::string_view ScrapeCache::Store(std::string_view text) {
  text_bytes_ += text.size();
  if (text.size() > kBlockBytes / 4) {  // a block of its own, before the one being filled
    auto own = std::make_unique<char[]>(text.size());
    std::memcpy(own.get(), text.data(), text.size());
    const std::string_view stored(own.get(), text.size());
    blocks_.insert(blocks_.begin(), std::move(own));
    return stored;
  }
  if (block_used_ + text.size() > kBlockBytes) {
    blocks_.push_back(std::make_unique<char[]>(kBlockBytes));
    block_used_ = 0;
  }
  char* to = blocks_.back().get() + block_used_;
  std::memcpy(to, text.data(), text.size());
  block_used_ += text.size();
  return {to, text.size()};
}

void ScrapeCache::Rehash(size_t slots) {
  slots_.assign(slots, kNone);
  for (uint32_t i = 0; i < series_.size(); ++i) Insert(i);
}

void ScrapeCache::Insert(uint32_t index) {
  const size_t mask = slots_.size() - 1;
  size_t i = series_[index].hash & mask;
  while (slots_[i] != kNone) i = (i + 1) & mask;
  slots_[i] = index;
}

ScrapeCache::Family* ScrapeCache::FamilyOf(std::string_view name) {
  if (last_family_ != nullptr) {
    if (last_family_->data.family == name) return last_family_;
    Family* guess = last_family_->next;
    if (guess != nullptr && guess->data.family == name) return last_family_ = guess;
  }
  auto it = families_.find(name);
  if (it == families_.end()) {
    auto family = std::make_unique<Family>();
    family->data.family = name;
    const std::string_view key = family->data.family;
    it = families_.emplace(key, std::move(family)).first;
  }
  if (last_family_ != nullptr) last_family_->next = it->second.get();
  return last_family_ = it->second.get();
}

void ScrapeCache::SetType(std::string_view name, MetricKind kind) {
  MutexLock lock(meta_mu_);
  Family* family = FamilyOf(name);
  family->seen = iteration_;
  if (family->data.metadata.kind == kind) return;
  family->data.metadata.kind = kind;
  family->changed = iteration_;
}

void ScrapeCache::SetHelp(std::string_view name, std::string_view help) {
  MutexLock lock(meta_mu_);
  Family* family = FamilyOf(name);
  family->seen = iteration_;
  if (family->data.metadata.help == help) return;
  family->data.metadata.help = help;
  family->changed = iteration_;
}

void ScrapeCache::SetUnit(std::string_view name, std::string_view unit) {
  MutexLock lock(meta_mu_);
  Family* family = FamilyOf(name);
  family->seen = iteration_;
  if (family->data.metadata.unit == unit) return;
  family->data.metadata.unit = unit;
  family->changed = iteration_;
}

const FamilyMetadata* ScrapeCache::last_family(bool* changed_now) const {
  if (last_family_ == nullptr || last_family_->seen != iteration_) return nullptr;
  *changed_now = last_family_->changed == iteration_;
  return &last_family_->data;
}

std::vector<FamilyMetadata> ScrapeCache::ListMetadata() const {
  std::vector<FamilyMetadata> out;
  MutexLock lock(meta_mu_);
  out.reserve(families_.size());
  for (const auto& [name, family] : families_) out.push_back(family->data);
  std::ranges::sort(out, {}, &FamilyMetadata::family);
  return out;
}

bool ScrapeCache::GetMetadata(std::string_view name, Metadata* out) const {
  MutexLock lock(meta_mu_);
  const auto it = families_.find(name);
  if (it == families_.end()) return false;
  *out = it->second->data.metadata;
  return true;
}

size_t ScrapeCache::metadata_count() const {
  MutexLock lock(meta_mu_);
  return families_.size();
}

size_t ScrapeCache::metadata_bytes() const {
  MutexLock lock(meta_mu_);
  size_t bytes = 0;
  for (const auto& [name, family] : families_) {
    const Metadata& m = family->data.metadata;
    bytes += m.help.size() + m.unit.size() + MetricKindText(m.kind).size();
  }
  return bytes;
}

}  // namespace deucalion::scrape
