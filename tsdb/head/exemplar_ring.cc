#include "tsdb/head/exemplar_ring.h"

#include <algorithm>
#include <bit>
#include <map>

namespace deucalion::tsdb {
namespace {

// OpenMetrics: names and values of an exemplar's labels together.
constexpr size_t kMaxLabelRunes = 128;

size_t CountRunes(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

bool SameExemplar(const Exemplar& a, const Exemplar& b) {
  return a.labels == b.labels && a.time_ms == b.time_ms &&
         std::bit_cast<uint64_t>(a.value) == std::bit_cast<uint64_t>(b.value);
}

}  // namespace

void ExemplarRing::Resize(size_t capacity) {
  MutexLock lock(mu_);
  if (capacity == ring_.size()) return;
  std::vector<Entry> old = std::move(ring_);
  const size_t begin = next_;
  ring_.assign(capacity, {});
  next_ = 0;
  size_t filled = 0;
  for (const Entry& e : old) filled += e.series != nullptr;
  size_t skip = filled > capacity ? filled - capacity : 0;
  for (size_t i = 0; i < old.size(); i++) {
    Entry& entry = old[(begin + i) % old.size()];
    if (entry.series == nullptr) continue;
    if (skip > 0) {
      skip--;
      Evict(&entry);
      continue;
    }
    ring_[next_++] = std::move(entry);
  }
  if (capacity > 0) next_ %= capacity;
}

bool ExemplarRing::enabled() const {
  MutexLock lock(mu_);
  return !ring_.empty();
}

Status ExemplarRing::Validate(LabelsView series, const Exemplar& exemplar, bool* duplicate) const {
  size_t runes = 0;
  for (const Label& l : exemplar.labels) runes += CountRunes(l.name) + CountRunes(l.value);
  if (runes > kMaxLabelRunes) {
    return InvalidArgumentError(
        "label length for exemplar exceeds maximum of 128 UTF-8 characters");
  }
  *duplicate = false;
  MutexLock lock(mu_);
  if (ring_.empty()) return OkStatus();
  return CheckOrder(std::string(series.bytes()), exemplar, duplicate);
}

Status ExemplarRing::CheckOrder(const std::string& series, const Exemplar& exemplar,
                                bool* duplicate) const {
  const auto it = series_.find(series);
  if (it == series_.end()) return OkStatus();
  const Exemplar& newest = it->second.newest;
  if (SameExemplar(newest, exemplar)) {
    *duplicate = true;
    return OkStatus();
  }
  const bool older =
      exemplar.time_ms < newest.time_ms ||
      (exemplar.time_ms == newest.time_ms &&
       (exemplar.value < newest.value ||
        (exemplar.value == newest.value && exemplar.labels.Hash() < newest.labels.Hash())));
  if (older) return Status(StatusCode::kOutOfOrder, "out of order exemplar");
  return OkStatus();
}

void ExemplarRing::Evict(Entry* entry) {
  const auto it = series_.find(*entry->series);
  entry->series = nullptr;
  if (--it->second.in_ring == 0) series_.erase(it);
}

bool ExemplarRing::Add(LabelsView series, const Exemplar& exemplar) {
  MutexLock lock(mu_);
  if (ring_.empty()) return false;
  std::string key(series.bytes());
  bool duplicate = false;
  if (!CheckOrder(key, exemplar, &duplicate).ok() || duplicate) return false;
  Entry& entry = ring_[next_];
  next_ = (next_ + 1) % ring_.size();
  if (entry.series != nullptr) Evict(&entry);
  const auto it = series_.try_emplace(std::move(key)).first;
  it->second.newest = exemplar;
  it->second.in_ring++;
  entry.series = &it->first;
  entry.exemplar = exemplar;
  return true;
}

Result<std::vector<SeriesExemplars>> ExemplarRing::Select(
    int64_t min_ms, int64_t max_ms, const std::vector<std::vector<Matcher>>& matcher_sets) {
  MutexLock lock(mu_);
  std::map<Labels, SeriesExemplars> found;
  std::unordered_map<const std::string*, SeriesExemplars*> by_key;
  for (size_t i = 0; i < ring_.size(); i++) {
    const Entry& entry = ring_[(next_ + i) % ring_.size()];
    if (entry.series == nullptr || entry.exemplar.time_ms < min_ms ||
        entry.exemplar.time_ms > max_ms) {
      continue;
    }
    auto [it, fresh] = by_key.try_emplace(entry.series, nullptr);
    if (fresh) {
      const LabelsView labels(*entry.series);
      const bool wanted =
          std::any_of(matcher_sets.begin(), matcher_sets.end(),
                      [&](const std::vector<Matcher>& set) { return MatchesAll(set, labels); });
      if (wanted) {
        it->second = &found[Labels(labels)];
        it->second->series = Labels(labels);
      }
    }
    if (it->second != nullptr) it->second->exemplars.push_back(entry.exemplar);
  }
  std::vector<SeriesExemplars> out;
  for (auto& [labels, exemplars] : found) out.push_back(std::move(exemplars));
  return out;
}

void ExemplarRing::ForEach(
    const std::function<void(std::string_view series, const Exemplar&)>& visit) const {
  MutexLock lock(mu_);
  for (size_t i = 0; i < ring_.size(); i++) {
    const Entry& entry = ring_[(next_ + i) % ring_.size()];
    if (entry.series != nullptr) visit(*entry.series, entry.exemplar);
  }
}

ExemplarRing::Stats ExemplarRing::stats() const {
  MutexLock lock(mu_);
  Stats s{.series = series_.size(), .capacity = ring_.size()};
  for (const Entry& e : ring_) {
    if (e.series == nullptr) continue;
    s.oldest_ms = s.exemplars == 0 ? e.exemplar.time_ms : std::min(s.oldest_ms, e.exemplar.time_ms);
    s.newest_ms = s.exemplars == 0 ? e.exemplar.time_ms : std::max(s.newest_ms, e.exemplar.time_ms);
    s.exemplars++;
  }
  return s;
}

}  // namespace deucalion::tsdb
