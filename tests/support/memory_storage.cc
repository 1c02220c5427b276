#include "tests/support/memory_storage.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "model/value.h"

namespace deucalion::testing_support {
namespace {

using Sample = MemoryStorage::Sample;
using SeriesMap = MemoryStorage::SeriesMap;

bool SameSample(const Sample& a, const Sample& b) {
  if ((a.histogram == nullptr) != (b.histogram == nullptr)) return false;
  if (a.histogram != nullptr) return a.histogram->Equals(*b.histogram);
  return std::bit_cast<uint64_t>(a.value) == std::bit_cast<uint64_t>(b.value);
}

// The hint a histogram is read back with, by its place in the chunks. A chunk holds either gauges
// or counters of one layout without resets; within it every counter but the first is known not to
// be a reset. Of the first nothing is known: the chunk before it may be gone, or one may come
// between.
ResetHint HintAfter(const Sample* previous, const FloatHistogram& h) {
  if (h.reset_hint == ResetHint::kGauge) return ResetHint::kGauge;
  if (h.reset_hint == ResetHint::kReset) return ResetHint::kUnknown;
  if (previous == nullptr || previous->histogram == nullptr) return ResetHint::kUnknown;
  const FloatHistogram& before = *previous->histogram;
  if (before.reset_hint == ResetHint::kGauge || IsStaleNan(before.sum)) return ResetHint::kUnknown;
  FloatHistogram now = h;
  now.reset_hint = ResetHint::kUnknown;
  const bool same_layout = now.schema == before.schema &&
                           now.zero_threshold == before.zero_threshold &&
                           now.custom_values == before.custom_values;
  return same_layout && !now.DetectReset(before) ? ResetHint::kNotReset : ResetHint::kUnknown;
}

// What storage promises of a run of samples, said as plainly as it can be.
SliceSummary SummaryOf(const std::vector<Sample>& samples) {
  SliceSummary s;
  s.integral = true;
  double partial = 0;
  for (const Sample& sample : samples) {
    const double v = sample.value;
    if (IsStaleNan(v)) continue;
    if (s.count == 0) {
      s.first_ms = sample.time_ms;
      s.first = s.min = s.max = v;
    } else {
      if (v < s.last) {
        s.resets++;
        s.correction += s.last;
      }
      if (v != s.last && !(std::isnan(v) && std::isnan(s.last))) s.changes++;
      if (std::isnan(s.min) || v < s.min) s.min = v;
      if (std::isnan(s.max) || v > s.max) s.max = v;
    }
    s.count++;
    s.last_ms = sample.time_ms;
    s.last = v;
    partial += v;
    if (!std::isfinite(v) || v != std::floor(v) || std::fabs(partial) >= 9007199254740992.0) {
      s.integral = false;
    }
  }
  s.sum = s.integral ? partial : 0;
  return s;
}

class MemorySeriesSet : public SeriesSet {
 public:
  MemorySeriesSet(std::vector<SeriesMap::const_iterator> series, SelectHints hints, bool summaries)
      : series_(std::move(series)), hints_(std::move(hints)), summaries_(summaries) {}

  size_t size() const override { return series_.size(); }
  void LabelsOf(size_t i, Labels* out) const override { *out = series_[i]->first; }
  void KeyLabelsOf(size_t i, Labels* out) const override {
    LabelsBuilder builder(series_[i]->first);
    *out = builder.Keep(hints_.key_labels).Build();
  }
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override {
    const std::vector<Sample>& samples = series_[i]->second;
    for (size_t k = 0; k < samples.size(); k++) {
      const Sample& s = samples[k];
      if (s.time_ms < min_ms || s.time_ms > max_ms) continue;
      const bool newer = k + 1 < samples.size() && samples[k + 1].time_ms <= max_ms;
      if (hints_.newest_only && newer) continue;
      if (s.histogram != nullptr) {
        out->histograms.push_back({s.time_ms, s.st_ms, *s.histogram, /*integer=*/false});
        continue;
      }
      out->times.push_back(s.time_ms);
      out->values.push_back(s.value);
      out->start_times.push_back(s.st_ms);
    }
    return OkStatus();
  }
  // Slices of seven samples, wherever they lie.
  bool ReadSummaries(size_t i, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                     Status*) const override {
    const std::vector<Sample>& samples = series_[i]->second;
    const bool plain = std::all_of(samples.begin(), samples.end(), [](const Sample& s) {
      return s.histogram == nullptr && s.st_ms == 0;
    });
    if (!summaries_ || !plain) return false;
    for (size_t begin = 0; begin < samples.size(); begin += 7) {
      const size_t end = std::min(begin + 7, samples.size());
      const std::vector<Sample> slice(samples.begin() + static_cast<long>(begin),
                                      samples.begin() + static_cast<long>(end));
      if (slice.front().time_ms >= min_ms && slice.back().time_ms <= max_ms) {
        sink->OnSlice(SummaryOf(slice));
        continue;
      }
      SampleColumns columns;
      for (const Sample& s : slice) {
        if (s.time_ms < min_ms || s.time_ms > max_ms) continue;
        columns.times.push_back(s.time_ms);
        columns.values.push_back(s.value);
      }
      sink->OnSamples(columns.times, columns.values);
    }
    return true;
  }

 private:
  const std::vector<SeriesMap::const_iterator> series_;
  const SelectHints hints_;
  const bool summaries_;
};

class MemoryQuerier : public Querier {
 public:
  MemoryQuerier(const SeriesMap* series, bool summaries) : series_(series), summaries_(summaries) {}

  Result<std::unique_ptr<SeriesSet>> Select(bool, const SelectHints& hints,
                                            const std::vector<Matcher>& matchers,
                                            const CancelToken*) override {
    std::vector<SeriesMap::const_iterator> found;
    for (auto it = series_->begin(); it != series_->end(); ++it) {
      if (hints.limit != 0 && found.size() >= hints.limit) break;
      if (MatchesAll(matchers, it->first)) found.push_back(it);
    }
    return std::unique_ptr<SeriesSet>(
        std::make_unique<MemorySeriesSet>(std::move(found), hints, summaries_));
  }
  Result<std::vector<std::string>> LabelValues(const std::string& name,
                                               const std::vector<Matcher>& matchers, size_t limit,
                                               bool* truncated) override {
    return Collect(matchers, limit, truncated, [&](const Label& label, auto* out) {
      if (label.name == name) out->emplace(label.value);
    });
  }
  Result<std::vector<std::string>> LabelNames(const std::vector<Matcher>& matchers, size_t limit,
                                              bool* truncated) override {
    return Collect(matchers, limit, truncated,
                   [](const Label& label, auto* out) { out->emplace(label.name); });
  }
  uint64_t EstimateSeries(const std::vector<Matcher>& matchers) override {
    return static_cast<uint64_t>(std::ranges::count_if(
        *series_, [&](const auto& entry) { return MatchesAll(matchers, entry.first); }));
  }

 private:
  template <typename F>
  std::vector<std::string> Collect(const std::vector<Matcher>& matchers, size_t limit,
                                   bool* truncated, F&& take) {
    std::set<std::string> all;
    for (const auto& [labels, samples] : *series_) {
      if (!MatchesAll(matchers, labels)) continue;
      for (const Label& label : labels) take(label, &all);
    }
    std::vector<std::string> out(all.begin(), all.end());
    const bool cut = limit != 0 && out.size() > limit;
    if (cut) out.resize(limit);
    if (truncated != nullptr) *truncated = cut;
    return out;
  }

  const SeriesMap* const series_;
  const bool summaries_;
};

}  // namespace

Status MemoryStorage::Append(const Labels& labels, int64_t time_ms, double value, int64_t st_ms) {
  return AppendSample(labels, {time_ms, st_ms, value, nullptr});
}

Status MemoryStorage::AppendHistogram(const Labels& labels, int64_t time_ms,
                                      const FloatHistogram& histogram, int64_t st_ms) {
  return AppendSample(labels,
                      {time_ms, st_ms, 0, std::make_shared<const FloatHistogram>(histogram)});
}

Status MemoryStorage::AppendSample(const Labels& labels, Sample sample) {
  std::vector<Sample>& samples = series_[labels];
  const Sample* last = samples.empty() ? nullptr : &samples.back();
  if (last != nullptr && sample.time_ms < last->time_ms) {
    return Status(StatusCode::kOutOfOrder, "out of order sample");
  }
  if (last != nullptr && sample.time_ms == last->time_ms) {
    if (SameSample(*last, sample)) return OkStatus();
    return Status(StatusCode::kDuplicateSample, "duplicate sample for timestamp");
  }
  if (sample.histogram != nullptr) {
    FloatHistogram h = *sample.histogram;
    h.reset_hint = HintAfter(last, h);
    sample.histogram = std::make_shared<const FloatHistogram>(std::move(h));
  }
  samples.push_back(std::move(sample));
  return OkStatus();
}

Result<std::unique_ptr<Querier>> MemoryStorage::NewQuerier(int64_t, int64_t) {
  return std::unique_ptr<Querier>(std::make_unique<MemoryQuerier>(&series_, summaries_));
}

}  // namespace deucalion::testing_support
