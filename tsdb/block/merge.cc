#include "tsdb/block/merge.h"

#include <algorithm>
#include <numeric>

namespace deucalion::tsdb {
namespace {

class BlockSeriesSet : public SeriesSet {
 public:
  BlockSeriesSet(std::shared_ptr<const Block> block, Postings series, int64_t min_ms,
                 int64_t max_ms, const CancelToken* cancel)
      : block_(std::move(block)),
        series_(std::move(series)),
        min_ms_(min_ms),
        max_ms_(max_ms),
        cancel_(cancel) {}

  size_t size() const override { return series_.size(); }
  void LabelsOf(size_t i, Labels* out) const override {
    // Damage was looked for during selection; what comes later shows as Read's error.
    if (!block_->LabelsOf(series_.view()[i], out).ok()) out->Clear();
  }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override {
    if (cancel_ != nullptr) RETURN_IF_ERROR(cancel_->Check());
    return block_->Read(series_.view()[i], std::max(min_ms, min_ms_), std::min(max_ms, max_ms_),
                        out);
  }
  bool ReadSummaries(size_t i, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                     Status* status) const override {
    return block_->ReadSummaries(series_.view()[i], std::max(min_ms, min_ms_),
                                 std::min(max_ms, max_ms_), sink, status);
  }

 private:
  const std::shared_ptr<const Block> block_;
  const Postings series_;
  const int64_t min_ms_, max_ms_;
  const CancelToken* const cancel_;
};

// Keeps what a source says until it is known that all sources can say it.
class BufferSink : public SummarySink {
 public:
  void OnSlice(const SliceSummary& slice) override {
    events_.push_back({true, slices_.size()});
    slices_.push_back(slice);
  }
  void OnSamples(std::span<const int64_t> times, std::span<const double> values) override {
    events_.push_back({false, samples_.size()});
    SampleColumns& s = samples_.emplace_back();
    s.times.assign(times.begin(), times.end());
    s.values.assign(values.begin(), values.end());
  }
  void Replay(SummarySink* sink) const {
    for (const auto& [is_slice, at] : events_) {
      if (is_slice) {
        sink->OnSlice(slices_[at]);
      } else {
        sink->OnSamples(samples_[at].times, samples_[at].values);
      }
    }
  }

 private:
  std::vector<std::pair<bool, size_t>> events_;
  std::vector<SliceSummary> slices_;
  std::vector<SampleColumns> samples_;
};

class MergedSeriesSet : public SeriesSet {
 public:
  MergedSeriesSet(std::vector<SourceSet> sources, const CancelToken* cancel)
      : sources_(std::move(sources)), cancel_(cancel) {}

  // Walks all sources side by side in label order.
  Status Build(size_t limit) {
    struct Front {
      Labels labels;
      size_t at = 0;
    };
    std::vector<Front> fronts(sources_.size());
    std::vector<size_t> smallest;
    for (size_t s = 0; s < sources_.size(); ++s) Load(s, &fronts[s].labels, 0);
    for (uint64_t steps = 0; limit == 0 || begins_.size() < limit; ++steps) {
      if (cancel_ != nullptr && steps % 1024 == 0) RETURN_IF_ERROR(cancel_->Check());
      smallest.clear();
      for (size_t s = 0; s < sources_.size(); ++s) {
        if (fronts[s].at >= sources_[s].set->size()) continue;
        const auto order = smallest.empty() ? std::strong_ordering::less
                                            : fronts[s].labels <=> fronts[smallest[0]].labels;
        if (order < 0) smallest.clear();
        if (order <= 0) smallest.push_back(s);
      }
      if (smallest.empty()) break;
      begins_.push_back(parts_.size());
      for (const size_t s : smallest) {
        parts_.push_back({static_cast<uint32_t>(s), static_cast<uint32_t>(fronts[s].at)});
        Load(s, &fronts[s].labels, ++fronts[s].at);
      }
    }
    return OkStatus();
  }

  size_t size() const override { return begins_.size(); }
  void LabelsOf(size_t i, Labels* out) const override {
    const Part& p = parts_[begins_[i]];
    sources_[p.source].set->LabelsOf(p.index, out);
  }
  void KeyLabelsOf(size_t i, Labels* out) const override {
    const Part& p = parts_[begins_[i]];
    sources_[p.source].set->KeyLabelsOf(p.index, out);
  }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override;
  bool ReadSummaries(size_t i, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                     Status* status) const override;

 private:
  struct Part {
    uint32_t source;
    uint32_t index;
  };
  void Load(size_t source, Labels* labels, size_t at) const {
    if (at < sources_[source].set->size()) sources_[source].set->LabelsOf(at, labels);
  }
  std::span<const Part> PartsOf(size_t i) const {
    const size_t end = i + 1 < begins_.size() ? begins_[i + 1] : parts_.size();
    return std::span(parts_).subspan(begins_[i], end - begins_[i]);
  }

  std::vector<SourceSet> sources_;  // ascending by min_ms
  const CancelToken* const cancel_;
  std::vector<size_t> begins_;  // per series: its first part
  std::vector<Part> parts_;
};

Status MergedSeriesSet::Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const {
  const size_t floats = out->times.size(), histograms = out->histograms.size();
  bool ordered = true;
  for (const Part& part : PartsOf(i)) {
    const SourceSet& source = sources_[part.source];
    if (source.min_ms > max_ms || source.max_ms < min_ms) continue;
    const size_t f = out->times.size(), h = out->histograms.size();
    RETURN_IF_ERROR(source.set->Read(part.index, min_ms, max_ms, out));
    ordered &= f == floats || f == out->times.size() || out->times[f - 1] < out->times[f];
    ordered &= h == histograms || h == out->histograms.size() ||
               out->histograms[h - 1].time_ms < out->histograms[h].time_ms;
  }
  if (!ordered) MergeRuns(floats, histograms, out);
  return OkStatus();
}

bool MergedSeriesSet::ReadSummaries(size_t i, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                                    Status* status) const {
  BufferSink buffer;
  bool any = false, have_previous = false;
  int64_t previous_max = 0;
  for (const Part& part : PartsOf(i)) {
    const SourceSet& source = sources_[part.source];
    if (source.min_ms > max_ms || source.max_ms < min_ms) continue;
    if (have_previous && source.min_ms <= previous_max) return false;  // sources overlap
    have_previous = true;
    previous_max = source.max_ms;
    if (source.set->ReadSummaries(part.index, min_ms, max_ms, &buffer, status)) {
      if (!status->ok()) return true;
      any = true;
      continue;
    }
    SampleColumns samples;
    *status = source.set->Read(part.index, min_ms, max_ms, &samples);
    if (!status->ok()) return true;
    if (!samples.histograms.empty() || !samples.start_times.empty()) return false;
    buffer.OnSamples(samples.times, samples.values);
  }
  if (any) buffer.Replay(sink);
  return any;
}

}  // namespace

void MergeRuns(size_t floats_begin, size_t histograms_begin, SampleColumns* out) {
  const size_t n = out->times.size() - floats_begin;
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  const int64_t* times = out->times.data() + floats_begin;
  std::stable_sort(order.begin(), order.end(),
                   [times](uint32_t a, uint32_t b) { return times[a] < times[b]; });
  const auto repeated = std::unique(
      order.begin(), order.end(), [times](uint32_t a, uint32_t b) { return times[a] == times[b]; });
  order.erase(repeated, order.end());
  const auto apply = [&](auto* column) {
    auto copy = *column;
    for (size_t i = 0; i < order.size(); ++i) {
      (*column)[floats_begin + i] = copy[floats_begin + order[i]];
    }
    column->resize(floats_begin + order.size());
  };
  if (!out->start_times.empty()) {
    out->start_times.resize(out->times.size());
    apply(&out->start_times);
  }
  apply(&out->values);
  apply(&out->times);
  const auto begin = out->histograms.begin() + static_cast<ptrdiff_t>(histograms_begin);
  std::stable_sort(
      begin, out->histograms.end(),
      [](const HistogramPoint& a, const HistogramPoint& b) { return a.time_ms < b.time_ms; });
  out->histograms.erase(std::unique(begin, out->histograms.end(),
                                    [](const HistogramPoint& a, const HistogramPoint& b) {
                                      return a.time_ms == b.time_ms;
                                    }),
                        out->histograms.end());
}

Result<std::unique_ptr<SeriesSet>> MergeSets(std::vector<SourceSet> sources, size_t limit,
                                             const CancelToken* cancel) {
  std::erase_if(sources, [](const SourceSet& s) { return s.set->size() == 0; });
  if (sources.size() == 1 && (limit == 0 || sources[0].set->size() <= limit)) {
    return std::move(sources[0].set);
  }
  std::stable_sort(sources.begin(), sources.end(),
                   [](const SourceSet& a, const SourceSet& b) { return a.min_ms < b.min_ms; });
  auto merged = std::make_unique<MergedSeriesSet>(std::move(sources), cancel);
  RETURN_IF_ERROR(merged->Build(limit));
  return std::unique_ptr<SeriesSet>(std::move(merged));
}

std::unique_ptr<SeriesSet> MakeBlockSeriesSet(std::shared_ptr<const Block> block, Postings series,
                                              int64_t min_ms, int64_t max_ms,
                                              const CancelToken* cancel) {
  return std::make_unique<BlockSeriesSet>(std::move(block), std::move(series), min_ms, max_ms,
                                          cancel);
}

}  // namespace deucalion::tsdb
