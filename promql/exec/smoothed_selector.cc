// foo smoothed: the value at the step itself.
//
// Interpolated between the neighbours within the lookback on both sides; the one before when none
// follows; nothing before the first sample. Floats are taken as gauges. Histograms are taken as
// counters unless both neighbours say they are gauges, and floats do not mix with histograms.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "promql/exec/notes.h"
#include "promql/exec/selector.h"
#include "promql/functions/histogram_notes.h"

namespace deucalion::promql {
namespace {

// The samples of one kind around a step: those in (step - lookback, step + lookback].
struct Neighbours {
  bool any = false;
  bool exact = false;  // samples[at] is at the step
  bool before = false, after = false;
  size_t at = 0;  // first sample at or after the step; samples[at - 1] is the one before
};

// Walks ascending times with ascending steps.
class NeighbourFinder {
 public:
  explicit NeighbourFinder(int64_t lookback_ms) : lookback_ms_(lookback_ms) {}

  template <typename TimeOf>
  Neighbours Find(size_t n, TimeOf time, int64_t step_ms) {
    while (next_ < n && time(next_) < step_ms) next_++;
    Neighbours out;
    out.at = next_;
    out.before = next_ > 0 && time(next_ - 1) > step_ms - lookback_ms_;
    out.after = next_ < n && time(next_) <= step_ms + lookback_ms_;
    out.exact = out.after && time(next_) == step_ms;
    out.any = out.before || out.after;
    return out;
  }

 private:
  const int64_t lookback_ms_;
  size_t next_ = 0;
};

struct Place {
  std::string_view metric_name;
  int32_t pos = 0;
  Annotations* annotations = nullptr;
};

HistogramPtr HistogramAt(const std::vector<HistogramPoint>& h, const Neighbours& n, int64_t at,
                         const Place& place) {
  if (n.exact) return std::make_shared<FloatHistogram>(h[n.at].histogram);
  if (!n.before) return nullptr;
  const HistogramPoint& previous = h[n.at - 1];
  if (!n.after) {
    auto carried = std::make_shared<FloatHistogram>(previous.histogram);
    // The hint is about neighbouring samples, not about the value.
    carried->reset_hint = ResetHint::kUnknown;
    return carried;
  }
  const HistogramPoint& next = h[n.at];
  if (previous.histogram.UsesCustomBuckets() != next.histogram.UsesCustomBuckets()) {
    place.annotations->Add(notes::MixedExponentialCustom(place.metric_name, place.pos));
    return nullptr;
  }
  const bool counter = previous.histogram.reset_hint != ResetHint::kGauge ||
                       next.histogram.reset_hint != ResetHint::kGauge;
  std::optional<FloatHistogram> between =
      InterpolateWithNotes(previous.histogram, previous.time_ms, next.histogram, next.time_ms, at,
                           counter, place.metric_name, place.pos, place.annotations);
  return between ? std::make_shared<FloatHistogram>(std::move(*between)) : nullptr;
}

void SetFloatAt(const SampleColumns& columns, const Neighbours& n, int64_t at, size_t step,
                Row* row) {
  const std::vector<int64_t>& t = columns.times;
  const std::vector<double>& v = columns.values;
  if (n.exact) {
    row->SetFloat(step, v[n.at]);
  } else if (n.before && n.after) {
    const size_t i = n.at;
    row->SetFloat(step, v[i - 1] + (v[i] - v[i - 1]) * static_cast<double>(at - t[i - 1]) /
                                       static_cast<double>(t[i] - t[i - 1]));
  } else if (n.before) {
    row->SetFloat(step, v[n.at - 1]);
  }
}

}  // namespace

void SelectorSource::FillSmoothed(size_t series, SampleColumns* columns, Annotations* annotations,
                                  Row* row) const {
  DropStaleMarkers(columns);
  const std::vector<HistogramPoint>& h = columns->histograms;
  Labels labels;
  if (!h.empty()) set_->LabelsOf(series, &labels);
  const Place place{labels.Get(kMetricName), static_cast<int32_t>(node().expr->span.begin),
                    annotations};
  NeighbourFinder float_finder(ctx().lookback_ms), histogram_finder(ctx().lookback_ms);
  for (size_t step = 0; step < steps(); step++) {
    const int64_t at = window_.End(node().grid.TimeAt(step));
    const Neighbours floats = float_finder.Find(
        columns->times.size(), [&](size_t i) { return columns->times[i]; }, at);
    const Neighbours hists = histogram_finder.Find(
        h.size(), [&](size_t i) { return h[i].time_ms; }, at);
    if (floats.any && hists.any) {
      annotations->Add(notes::MixedFloatsHistograms(place.metric_name, place.pos));
    } else if (hists.any) {
      if (HistogramPtr value = HistogramAt(h, hists, at, place)) {
        row->SetHistogram(step, std::move(value));
      }
    } else {
      SetFloatAt(*columns, floats, at, step, row);
    }
  }
}

}  // namespace deucalion::promql
