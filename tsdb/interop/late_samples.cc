#include "tsdb/interop/late_samples.h"

#include <algorithm>
#include <unordered_map>

#include "tsdb/head/label_order.h"

namespace deucalion::tsdb {

class LateSeriesSet final : public SeriesSet {
 public:
  explicit LateSeriesSet(const LateSamples* late) : late_(late) {
    const auto& samples = late->samples_;
    for (size_t i = 0; i < samples.size(); i++) {
      if (i == 0 || samples[i].slot != samples[i - 1].slot) begins_.push_back(i);
    }
  }

  size_t size() const override { return begins_.size(); }
  void LabelsOf(size_t i, Labels* out) const override {
    Head& head = *late_->head_;
    const SeriesRecord& r = head.slabs().Record(late_->samples_[begins_[i]].slot);
    out->Clear();
    head.index().CopyLabels(r.labels.load(std::memory_order_relaxed), out->mutable_bytes());
  }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override {
    const auto& samples = late_->samples_;
    const size_t end = i + 1 < begins_.size() ? begins_[i + 1] : samples.size();
    const auto first = std::lower_bound(
        samples.begin() + static_cast<ptrdiff_t>(begins_[i]),
        samples.begin() + static_cast<ptrdiff_t>(end), min_ms,
        [](const LateSamples::Sample& s, int64_t time_ms) { return s.time_ms < time_ms; });
    for (size_t k = static_cast<size_t>(first - samples.begin()); k < end; k++) {
      const LateSamples::Sample& s = samples[k];
      if (s.time_ms > max_ms) break;
      if (k > begins_[i] && samples[k - 1].time_ms == s.time_ms) continue;
      if (s.histogram != 0) {
        out->histograms.push_back(late_->histograms_[s.histogram - 1]);
      } else {
        AppendFloat(s, out);
      }
    }
    return OkStatus();
  }

 private:
  static void AppendFloat(const LateSamples::Sample& s, SampleColumns* out) {
    if (s.st_ms != 0 && out->start_times.empty()) out->start_times.resize(out->times.size());
    out->times.push_back(s.time_ms);
    out->values.push_back(s.value);
    if (s.st_ms != 0 || !out->start_times.empty()) out->start_times.push_back(s.st_ms);
  }

  const LateSamples* const late_;
  std::vector<size_t> begins_;
};

void LateSamples::Add(Slot slot, int64_t time_ms, int64_t st_ms, double value) {
  samples_.push_back({.slot = slot, .time_ms = time_ms, .st_ms = st_ms, .value = value});
}

void LateSamples::Add(Slot slot, HistogramPoint point) {
  histogram_bytes_ += sizeof(point) + point.histogram.SizeBytes();
  const int64_t time_ms = point.time_ms;
  histograms_.push_back(std::move(point));
  samples_.push_back(
      {.slot = slot, .histogram = static_cast<uint32_t>(histograms_.size()), .time_ms = time_ms});
}

void LateSamples::Clear() {
  samples_.clear();
  histograms_.clear();
  histogram_bytes_ = 0;
}

std::set<int64_t> LateSamples::Ranges(int64_t range_ms) const {
  std::set<int64_t> ranges;
  for (const Sample& s : samples_) {
    const int64_t rest = s.time_ms % range_ms;
    ranges.insert(s.time_ms - (rest < 0 ? rest + range_ms : rest));
  }
  return ranges;
}

std::unique_ptr<SeriesSet> LateSamples::Sorted() {
  std::vector<Slot> slots;
  for (const Sample& s : samples_) slots.push_back(s.slot);
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  std::vector<ArenaRef> labels;
  labels.reserve(slots.size());
  for (const Slot slot : slots) {
    labels.push_back(head_->slabs().Record(slot).labels.load(std::memory_order_relaxed));
  }
  std::unordered_map<Slot, size_t> rank;
  for (const uint32_t i : OrderByLabels(head_->index(), labels))
    rank.emplace(slots[i], rank.size());
  std::stable_sort(samples_.begin(), samples_.end(), [&](const Sample& a, const Sample& b) {
    return a.slot == b.slot ? a.time_ms < b.time_ms : rank[a.slot] < rank[b.slot];
  });
  return std::make_unique<LateSeriesSet>(this);
}

}  // namespace deucalion::tsdb
