// min_over_time, max_over_time and the times of both.
//
// A monotonic queue of candidates: a sample leaves it when a better one comes after it or when the
// window has passed it; the front is the answer. NaN is worse than anything. Of equal values min
// and max keep the first, the ts_of_ functions take the last.
#include <cmath>
#include <vector>

#include "promql/exec/notes.h"
#include "promql/functions/range_call.h"

namespace deucalion::promql {
namespace {

struct Order {
  bool max;
  bool last_wins;

  // Whether `later` makes `earlier` useless to every window that holds both.
  bool Replaces(double later, double earlier) const {
    if (std::isnan(earlier)) return last_wins || !std::isnan(later);
    if (last_wins) return max ? later >= earlier : later <= earlier;
    return max ? later > earlier : later < earlier;
  }
};

Order OrderOf(FunctionId id) {
  const bool max = id == FunctionId::kMaxOverTime || id == FunctionId::kTsOfMaxOverTime;
  const bool time = id == FunctionId::kTsOfMaxOverTime || id == FunctionId::kTsOfMinOverTime;
  return {max, time};
}

}  // namespace

Status MinMaxKernel(const RangeCall& call, const RangeSeries& s, Worker* worker, Row* out) {
  const Order order = OrderOf(call.id);
  std::vector<uint32_t> queue;  // indices; [head, size) are alive
  size_t head = 0;
  uint32_t next = 0;
  for (size_t step = 0; step < call.grid.steps; step++) {
    if (s.floats->Empty(step)) continue;
    if (s.hists != nullptr && !s.hists->Empty(step)) {
      worker->annotations.Add(notes::HistogramIgnoredInMixedRange(s.metric_name, call.pos));
    }
    const uint32_t begin = s.floats->begin[step], end = s.floats->end[step];
    if (next < begin) next = begin;
    for (; next < end; next++) {
      while (queue.size() > head && order.Replaces(s.values[next], s.values[queue.back()])) {
        queue.pop_back();
      }
      queue.push_back(next);
    }
    while (queue[head] < begin) head++;
    const uint32_t best = queue[head];
    out->SetFloat(step,
                  order.last_wins ? static_cast<double>(s.times[best]) / 1000 : s.values[best]);
  }
  return OkStatus();
}

}  // namespace deucalion::promql
