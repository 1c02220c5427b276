#include "tsdb/db/merge_querier.h"

#include <algorithm>
#include <iterator>

namespace deucalion::tsdb {
namespace {

// Where one series of the merged set lives.
struct Part {
  uint32_t source;
  uint32_t index;
};

class MergedSeriesSet final : public SeriesSet {
 public:
  MergedSeriesSet(std::vector<std::unique_ptr<SeriesSet>> sets, std::vector<Part> parts,
                  std::vector<uint32_t> begins)
      : sets_(std::move(sets)), parts_(std::move(parts)), begins_(std::move(begins)) {}

  size_t size() const override { return begins_.size() - 1; }
  void LabelsOf(size_t i, Labels* out) const override {
    const Part& p = parts_[begins_[i]];
    sets_[p.source]->LabelsOf(p.index, out);
  }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override {
    const size_t begin_floats = out->times.size();
    const size_t begin_histograms = out->histograms.size();
    for (uint32_t p = begins_[i]; p < begins_[i + 1]; p++) {
      const SeriesSet& set = *sets_[parts_[p].source];
      if (p == begins_[i]) {
        RETURN_IF_ERROR(set.Read(parts_[p].index, min_ms, max_ms, out));
        continue;
      }
      SampleColumns more;
      RETURN_IF_ERROR(set.Read(parts_[p].index, min_ms, max_ms, &more));
      MergeColumns(begin_floats, begin_histograms, std::move(more), out);
    }
    return OkStatus();
  }
  bool ReadSummaries(size_t i, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                     Status* status) const override {
    // Only where one source has the series: overlaps must be decoded.
    if (begins_[i + 1] - begins_[i] != 1) return false;
    const Part& p = parts_[begins_[i]];
    return sets_[p.source]->ReadSummaries(p.index, min_ms, max_ms, sink, status);
  }

 private:
  const std::vector<std::unique_ptr<SeriesSet>> sets_;
  const std::vector<Part> parts_;       // grouped by series
  const std::vector<uint32_t> begins_;  // into parts_, one more than series
};

// The k-way merge by labels of sorted sets.
std::unique_ptr<SeriesSet> MergeSets(std::vector<std::unique_ptr<SeriesSet>> sets, size_t limit) {
  const size_t n = sets.size();
  std::vector<uint32_t> at(n);
  std::vector<Labels> labels(n);
  for (size_t s = 0; s < n; s++) {
    if (sets[s]->size() > 0) sets[s]->LabelsOf(0, &labels[s]);
  }
  std::vector<Part> parts;
  std::vector<uint32_t> begins = {0};
  Labels smallest;
  for (;;) {
    bool any = false;
    for (size_t s = 0; s < n; s++) {
      if (at[s] == sets[s]->size()) continue;
      if (!any || labels[s] < smallest) smallest = labels[s];
      any = true;
    }
    if (!any || (limit != 0 && begins.size() > limit)) break;
    for (size_t s = 0; s < n; s++) {
      if (at[s] == sets[s]->size() || !(labels[s] == smallest)) continue;
      parts.push_back({static_cast<uint32_t>(s), at[s]});
      if (++at[s] < sets[s]->size()) sets[s]->LabelsOf(at[s], &labels[s]);
    }
    begins.push_back(static_cast<uint32_t>(parts.size()));
  }
  return std::make_unique<MergedSeriesSet>(std::move(sets), std::move(parts), std::move(begins));
}

class MergeQuerier final : public Querier {
 public:
  explicit MergeQuerier(std::vector<std::unique_ptr<Querier>> sources)
      : sources_(std::move(sources)) {}

  Result<std::unique_ptr<SeriesSet>> Select(bool sorted, const SelectHints& hints,
                                            const std::vector<Matcher>& matchers,
                                            const CancelToken* cancel) override {
    std::vector<std::unique_ptr<SeriesSet>> sets;
    // A limit counts merged series.
    SelectHints unlimited = hints;
    unlimited.limit = 0;
    for (auto& source : sources_) {
      ASSIGN_OR_RETURN(auto set, source->Select(true, unlimited, matchers, cancel));
      if (set->size() > 0) sets.push_back(std::move(set));
    }
    return MergeSets(std::move(sets), hints.limit);
  }

  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               const std::vector<Matcher>& matchers, size_t limit,
                                               bool* truncated) override {
    return Unite(limit, truncated,
                 [&](Querier* q) { return q->LabelValues(name, matchers, 0, nullptr); });
  }
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers, size_t limit,
                                              bool* truncated) override {
    return Unite(limit, truncated, [&](Querier* q) { return q->LabelNames(matchers, 0, nullptr); });
  }
  uint64_t EstimateSeries(const std::vector<Matcher>& matchers) override {
    uint64_t total = 0;
    for (auto& source : sources_) total += source->EstimateSeries(matchers);
    return total;
  }

 private:
  template <typename Get>
  Result<std::vector<std::string>> Unite(size_t limit, bool* truncated, Get get) {
    std::vector<std::string> all;
    for (auto& source : sources_) {
      ASSIGN_OR_RETURN(std::vector<std::string> some, get(source.get()));
      std::vector<std::string> merged;
      std::set_union(std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()),
                     std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()),
                     std::back_inserter(merged));
      all = std::move(merged);
    }
    if (limit != 0 && all.size() > limit) {
      all.resize(limit);
      if (truncated != nullptr) *truncated = true;
    }
    return all;
  }

  const std::vector<std::unique_ptr<Querier>> sources_;
};

void MergeFloats(size_t begin, SampleColumns&& more, SampleColumns* out) {
  if (more.times.empty()) return;
  const bool with_starts = !out->start_times.empty() || !more.start_times.empty();
  if (with_starts) {
    out->start_times.resize(out->times.size());
    more.start_times.resize(more.times.size());
  }
  if (out->times.size() == begin || out->times.back() < more.times.front()) {
    out->times.insert(out->times.end(), more.times.begin(), more.times.end());
    out->values.insert(out->values.end(), more.values.begin(), more.values.end());
    out->start_times.insert(out->start_times.end(), more.start_times.begin(),
                            more.start_times.end());
    return;
  }
  SampleColumns merged;
  size_t i = begin;
  size_t j = 0;
  const auto take = [&](const SampleColumns& from, size_t k) {
    merged.times.push_back(from.times[k]);
    merged.values.push_back(from.values[k]);
    if (with_starts) merged.start_times.push_back(from.start_times[k]);
  };
  while (i < out->times.size() || j < more.times.size()) {
    if (j == more.times.size() || (i < out->times.size() && out->times[i] <= more.times[j])) {
      if (j < more.times.size() && out->times[i] == more.times[j]) j++;
      take(*out, i++);
    } else {
      take(more, j++);
    }
  }
  out->times.resize(begin);
  out->values.resize(begin);
  if (with_starts) out->start_times.resize(begin);
  out->times.insert(out->times.end(), merged.times.begin(), merged.times.end());
  out->values.insert(out->values.end(), merged.values.begin(), merged.values.end());
  out->start_times.insert(out->start_times.end(), merged.start_times.begin(),
                          merged.start_times.end());
}

void MergeHistograms(size_t begin, std::vector<HistogramPoint>&& more,
                     std::vector<HistogramPoint>* out) {
  const size_t middle = out->size();
  std::move(more.begin(), more.end(), std::back_inserter(*out));
  const auto by_time = [](const HistogramPoint& a, const HistogramPoint& b) {
    return a.time_ms < b.time_ms;
  };
  const auto first = out->begin() + static_cast<long>(begin);
  std::inplace_merge(first, out->begin() + static_cast<long>(middle), out->end(), by_time);
  out->erase(std::unique(first, out->end(),
                         [](const HistogramPoint& a, const HistogramPoint& b) {
                           return a.time_ms == b.time_ms;
                         }),
             out->end());
}

}  // namespace

void MergeColumns(size_t begin_floats, size_t begin_histograms, SampleColumns&& more,
                  SampleColumns* out) {
  if (!more.histograms.empty()) {
    MergeHistograms(begin_histograms, std::move(more.histograms), &out->histograms);
  }
  MergeFloats(begin_floats, std::move(more), out);
}

std::unique_ptr<Querier> MergeQueriers(std::vector<std::unique_ptr<Querier>> sources) {
  if (sources.size() == 1) return std::move(sources[0]);
  return std::make_unique<MergeQuerier>(std::move(sources));
}

}  // namespace deucalion::tsdb
