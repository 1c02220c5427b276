#include "server/remote/fetch/merged_series.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "server/remote/fetch/column_order.h"

namespace deucalion::remote {
namespace {

bool HasSamples(const SampleColumns& columns, int64_t min_ms, int64_t max_ms) {
  const auto first = std::lower_bound(columns.times.begin(), columns.times.end(), min_ms);
  if (first != columns.times.end() && *first <= max_ms) return true;
  return std::ranges::any_of(columns.histograms, [&](const HistogramPoint& point) {
    return point.time_ms >= min_ms && point.time_ms <= max_ms;
  });
}

// One sorted list of all answers.
std::vector<FetchedSeries> JoinAnswers(std::vector<FetchedAnswer>* answers) {
  std::vector<FetchedSeries> all;
  for (FetchedAnswer& answer : *answers) {
    std::move(answer.series.begin(), answer.series.end(), std::back_inserter(all));
  }
  std::stable_sort(all.begin(), all.end(), [](const FetchedSeries& a, const FetchedSeries& b) {
    return a.labels < b.labels;
  });
  std::vector<FetchedSeries> out;
  for (FetchedSeries& series : all) {
    if (!out.empty() && out.back().labels == series.labels) {
      AppendColumns(std::move(series.columns), &out.back().columns);
      SortColumns(&out.back().columns);
    } else {
      out.push_back(std::move(series));
    }
  }
  return out;
}

}  // namespace

MergedSeries::MergedSeries(std::unique_ptr<SeriesSet> local, std::vector<FetchedAnswer> answers,
                           int64_t min_ms, int64_t max_ms, bool only_labels)
    : local_(std::move(local)), fetched_(JoinAnswers(&answers)) {
  for (FetchedAnswer& answer : answers) charges_.push_back(std::move(answer.charge));
  size_t f = 0;
  const auto take_fetched = [&] {
    if (only_labels || HasSamples(fetched_[f].columns, min_ms, max_ms)) {
      entries_.push_back({.fetched = f + 1});
    }
    f++;
  };
  Labels labels;
  for (size_t i = 0; i < local_->size(); i++) {
    local_->LabelsOf(i, &labels);
    while (f < fetched_.size() && fetched_[f].labels < labels) take_fetched();
    Entry entry{.local = i};
    if (f < fetched_.size() && fetched_[f].labels == labels) entry.fetched = ++f;
    entries_.push_back(entry);
  }
  while (f < fetched_.size()) take_fetched();
}

void MergedSeries::LabelsOf(size_t i, Labels* out) const {
  const Entry& entry = entries_[i];
  if (entry.local != kNotLocal) {
    local_->LabelsOf(entry.local, out);
  } else {
    *out = fetched_[entry.fetched - 1].labels;
  }
}

void MergedSeries::Prefetch(size_t i) const {
  if (entries_[i].local != kNotLocal) local_->Prefetch(entries_[i].local);
}

Status MergedSeries::Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const {
  const Entry& entry = entries_[i];
  if (entry.fetched == 0) return local_->Read(entry.local, min_ms, max_ms, out);
  SampleColumns own;
  if (entry.local != kNotLocal) {
    RETURN_IF_ERROR(local_->Read(entry.local, min_ms, max_ms, &own));
  }
  MergeColumns(own, fetched_[entry.fetched - 1].columns, min_ms, max_ms, out);
  return OkStatus();
}

bool MergedSeries::ReadSummaries(size_t i, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                                 Status* status) const {
  const Entry& entry = entries_[i];
  return entry.fetched == 0 && local_->ReadSummaries(entry.local, min_ms, max_ms, sink, status);
}

}  // namespace deucalion::remote
