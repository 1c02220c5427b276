#include "server/remote/fetch/column_order.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>
#include <vector>

namespace deucalion::remote {
namespace {

// Start times are there for all samples or for none.
void FillStartTimes(SampleColumns* columns) { columns->start_times.resize(columns->times.size()); }

bool Ascending(const std::vector<int64_t>& times) {
  return std::adjacent_find(times.begin(), times.end(), std::greater_equal<>()) == times.end();
}

void SortFloats(SampleColumns* c) {
  if (Ascending(c->times)) return;
  std::vector<size_t> order(c->times.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [c](size_t a, size_t b) { return c->times[a] < c->times[b]; });
  SampleColumns sorted;
  for (const size_t i : order) {
    if (!sorted.times.empty() && sorted.times.back() == c->times[i]) continue;
    sorted.times.push_back(c->times[i]);
    sorted.values.push_back(c->values[i]);
    if (!c->start_times.empty()) sorted.start_times.push_back(c->start_times[i]);
  }
  c->times = std::move(sorted.times);
  c->values = std::move(sorted.values);
  c->start_times = std::move(sorted.start_times);
}

void SortHistograms(std::vector<HistogramPoint>* list) {
  std::stable_sort(
      list->begin(), list->end(),
      [](const HistogramPoint& a, const HistogramPoint& b) { return a.time_ms < b.time_ms; });
  list->erase(std::unique(list->begin(), list->end(),
                          [](const HistogramPoint& a, const HistogramPoint& b) {
                            return a.time_ms == b.time_ms;
                          }),
              list->end());
}

bool HasHistogramAt(const SampleColumns& c, int64_t time_ms) {
  const auto at =
      std::lower_bound(c.histograms.begin(), c.histograms.end(), time_ms,
                       [](const HistogramPoint& point, int64_t t) { return point.time_ms < t; });
  return at != c.histograms.end() && at->time_ms == time_ms;
}

bool HasFloatAt(const SampleColumns& c, int64_t time_ms) {
  return std::binary_search(c.times.begin(), c.times.end(), time_ms);
}

void PushFloat(const SampleColumns& from, size_t i, bool start_times, SampleColumns* out) {
  out->times.push_back(from.times[i]);
  out->values.push_back(from.values[i]);
  if (start_times) {
    out->start_times.push_back(from.start_times.empty() ? 0 : from.start_times[i]);
  }
}

void MergeFloats(const SampleColumns& a, const SampleColumns& b, int64_t min_ms, int64_t max_ms,
                 SampleColumns* out) {
  const bool start_times =
      !a.start_times.empty() || !b.start_times.empty() || !out->start_times.empty();
  if (start_times) FillStartTimes(out);
  size_t i = 0;
  auto j = static_cast<size_t>(std::lower_bound(b.times.begin(), b.times.end(), min_ms) -
                               b.times.begin());
  while (i < a.times.size() || (j < b.times.size() && b.times[j] <= max_ms)) {
    const bool more = j < b.times.size() && b.times[j] <= max_ms;
    if (!more || (i < a.times.size() && a.times[i] <= b.times[j])) {
      if (more && a.times[i] == b.times[j]) j++;
      PushFloat(a, i++, start_times, out);
    } else {
      if (!HasHistogramAt(a, b.times[j])) PushFloat(b, j, start_times, out);
      j++;
    }
  }
}

}  // namespace

void AppendColumns(SampleColumns more, SampleColumns* out) {
  if (!more.start_times.empty() || !out->start_times.empty()) {
    FillStartTimes(&more);
    FillStartTimes(out);
  }
  out->times.insert(out->times.end(), more.times.begin(), more.times.end());
  out->values.insert(out->values.end(), more.values.begin(), more.values.end());
  out->start_times.insert(out->start_times.end(), more.start_times.begin(), more.start_times.end());
  std::move(more.histograms.begin(), more.histograms.end(), std::back_inserter(out->histograms));
}

void SortColumns(SampleColumns* columns) {
  SortFloats(columns);
  SortHistograms(&columns->histograms);
}

void MergeColumns(const SampleColumns& first, const SampleColumns& second, int64_t min_ms,
                  int64_t max_ms, SampleColumns* out) {
  MergeFloats(first, second, min_ms, max_ms, out);
  auto begin = first.histograms.begin();
  for (const HistogramPoint& point : second.histograms) {
    if (point.time_ms < min_ms || point.time_ms > max_ms) continue;
    const auto before = std::find_if(begin, first.histograms.end(), [&](const HistogramPoint& p) {
      return p.time_ms >= point.time_ms;
    });
    out->histograms.insert(out->histograms.end(), begin, before);
    begin = before;
    const bool taken = before != first.histograms.end() && before->time_ms == point.time_ms;
    if (!taken && !HasFloatAt(first, point.time_ms)) out->histograms.push_back(point);
  }
  out->histograms.insert(out->histograms.end(), begin, first.histograms.end());
}

}  // namespace deucalion::remote
