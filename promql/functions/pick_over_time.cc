// Functions that pick a sample of the window or only count: count, present, absent, first, last and
// the times of first and last.
#include <algorithm>
#include <limits>
#include <memory>

#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

size_t HistogramsAt(const RangeSeries& s, size_t step) {
  return s.hists == nullptr ? 0 : s.hists->Size(step);
}

// f(step, floats, histograms) for every step whose window is not empty.
template <typename F>
void ForEachWindow(const RangeCall& call, const RangeSeries& s, F&& f) {
  for (size_t step = 0; step < call.grid.steps; step++) {
    const size_t floats = s.floats->Size(step), hists = HistogramsAt(s, step);
    if (floats + hists > 0) f(step, floats, hists);
  }
}

HistogramPtr CopyOf(const FloatHistogram& h) { return std::make_shared<FloatHistogram>(h); }

}  // namespace

Status CountKernel(const RangeCall& call, const RangeSeries& s, Worker*, Row* out) {
  ForEachWindow(call, s, [&](size_t step, size_t floats, size_t hists) {
    out->SetFloat(step, static_cast<double>(floats + hists));
  });
  return OkStatus();
}

Status PresentKernel(const RangeCall& call, const RangeSeries& s, Worker*, Row* out) {
  ForEachWindow(call, s, [&](size_t step, size_t, size_t) { out->SetFloat(step, 1); });
  return OkStatus();
}

Status FirstKernel(const RangeCall& call, const RangeSeries& s, Worker*, Row* out) {
  ForEachWindow(call, s, [&](size_t step, size_t floats, size_t hists) {
    const size_t f = s.floats->begin[step];
    const HistogramRef* h = hists > 0 ? &s.histograms[s.hists->begin[step]] : nullptr;
    if (h == nullptr || (floats > 0 && s.times[f] < h->time_ms)) {
      out->SetFloat(step, s.values[f]);
    } else {
      out->SetHistogram(step, CopyOf(*h->histogram));
    }
  });
  return OkStatus();
}

Status LastKernel(const RangeCall& call, const RangeSeries& s, Worker*, Row* out) {
  ForEachWindow(call, s, [&](size_t step, size_t floats, size_t hists) {
    const size_t f = s.floats->end[step];
    const HistogramRef* h = hists > 0 ? &s.histograms[s.hists->end[step] - 1] : nullptr;
    if (h == nullptr || (floats > 0 && h->time_ms < s.times[f - 1])) {
      out->SetFloat(step, s.values[f - 1]);
    } else {
      out->SetHistogram(step, CopyOf(*h->histogram));
    }
  });
  return OkStatus();
}

Status TimeOfFirstKernel(const RangeCall& call, const RangeSeries& s, Worker*, Row* out) {
  ForEachWindow(call, s, [&](size_t step, size_t floats, size_t hists) {
    int64_t t = std::numeric_limits<int64_t>::max();
    if (floats > 0) t = s.times[s.floats->begin[step]];
    if (hists > 0) t = std::min(t, s.histograms[s.hists->begin[step]].time_ms);
    out->SetFloat(step, static_cast<double>(t) / 1000);
  });
  return OkStatus();
}

Status TimeOfLastKernel(const RangeCall& call, const RangeSeries& s, Worker*, Row* out) {
  ForEachWindow(call, s, [&](size_t step, size_t floats, size_t hists) {
    // As upstream, a kind without samples counts as time zero.
    const int64_t f = floats > 0 ? s.times[s.floats->end[step] - 1] : 0;
    const int64_t h = hists > 0 ? s.histograms[s.hists->end[step] - 1].time_ms : 0;
    out->SetFloat(step, static_cast<double>(std::max(f, h)) / 1000);
  });
  return OkStatus();
}

}  // namespace deucalion::promql
