// Anchored and smoothed ranges in the reference evaluator: what happened between the two ends of
// the window, whose values are taken from (anchored) or drawn between (smoothed) the samples around
// them.
#include <algorithm>
#include <cmath>

#include "tests/support/reference_eval.h"

namespace deucalion::testing_support {

using promql::FunctionId;

std::optional<RefElement> RefInterpolate(const RefPoint& a, const RefPoint& b, int64_t time_ms,
                                         bool counter) {
  const double passed = static_cast<double>(time_ms - a.time_ms);
  const double all = static_cast<double>(b.time_ms - a.time_ms);
  if (!a.histogram) {
    const double from = counter && b.value < a.value ? 0 : a.value;
    return from + (b.value - from) * passed / all;
  }
  if (a.histogram->custom != b.histogram->custom) return std::nullopt;
  const auto between = RefBetween(*a.histogram, *b.histogram, passed / all, counter);
  return between ? std::optional<RefElement>(*between) : std::nullopt;
}

namespace {

int64_t Milliseconds(double seconds) { return std::llround(seconds * 1000); }

// The points along the window: at its begin, those within, at its end. Empty when nothing lies in
// it, or where points do not go together.
std::vector<RefPoint> Along(const RefWindow& w, bool counter) {
  const int64_t begin = Milliseconds(w.begin_s), end = Milliseconds(w.end_s);
  const RefPoint *before = nullptr, *after_begin = nullptr;  // around the begin
  const RefPoint *before_end = nullptr, *at_end = nullptr;   // around the end
  for (const RefPoint& p : w.points) {
    if (p.time_ms <= begin) before = &p;
    if (p.time_ms > begin && after_begin == nullptr) after_begin = &p;
    if (p.time_ms < end) before_end = &p;
    if (p.time_ms >= end && at_end == nullptr) at_end = &p;
  }
  if (after_begin == nullptr) return {};
  if (before == nullptr && after_begin->time_ms > end) return {};
  // Of one kind, the neighbours too.
  for (const RefPoint& p : w.points) {
    const bool counts = p.time_ms >= (before ? before : after_begin)->time_ms &&
                        (at_end == nullptr || p.time_ms <= at_end->time_ms);
    if (counts && p.histogram && p.histogram->custom != after_begin->histogram->custom) return {};
  }
  std::optional<RefElement> first = before == nullptr ? *after_begin : *before;
  if (before != nullptr && w.smoothed && before->time_ms < begin) {
    first = RefInterpolate(*before, *after_begin, begin, counter);
  }
  std::optional<RefElement> last = at_end == nullptr ? *before_end : *at_end;
  if (at_end != nullptr && at_end->time_ms > end && before_end != nullptr) {
    last = RefInterpolate(*before_end, *at_end, end, counter);
  }
  if (!first || !last) return {};
  std::vector<RefPoint> points = {{begin, *first}};
  for (const RefPoint& p : w.points) {
    if (p.time_ms > begin && p.time_ms < end) points.push_back(p);
  }
  points.push_back({end, *last});
  return points;
}

// What resets of a counter hid is added.
std::optional<RefElement> Change(const std::vector<RefPoint>& points, bool counter) {
  if (!points.front().histogram) {
    double change = points.back().value - points.front().value;
    for (size_t i = 1; counter && i < points.size(); ++i) {
      if (points[i].value < points[i - 1].value) change += points[i - 1].value;
    }
    return change;
  }
  std::vector<RefHistogram> lost;
  for (size_t i = 1; counter && i < points.size(); ++i) {
    const RefHistogram& before = *points[i - 1].histogram;
    if (RefDetectReset(before, *points[i].histogram)) lost.push_back(before);
  }
  std::optional<RefHistogram> change =
      RefAdd(*points.back().histogram, *points.front().histogram, -1);
  if (change && !lost.empty()) {
    const std::optional<RefHistogram> sum = RefSum(lost);
    change = sum ? RefAdd(*change, *sum, 1) : std::nullopt;
  }
  return change ? std::optional<RefElement>(*change) : std::nullopt;
}

}  // namespace

std::optional<RefElement> RefExtendedFunction(FunctionId id, const RefWindow& w) {
  if (id == FunctionId::kResets || id == FunctionId::kChanges) {
    // The last sample at or before the begin is where the first change starts from.
    RefWindow seen = w;
    seen.anchored = false;
    const int64_t begin = Milliseconds(w.begin_s);
    while (seen.points.size() > 1 && seen.points[1].time_ms <= begin) {
      seen.points.erase(seen.points.begin());
    }
    if (seen.points.back().time_ms <= begin) return std::nullopt;
    return RefRangeFunction(id, seen, {});
  }
  const auto is_histogram = [](const RefPoint& p) { return p.histogram != nullptr; };
  const bool histograms = std::ranges::any_of(w.points, is_histogram);
  if (histograms && !std::ranges::all_of(w.points, is_histogram)) return std::nullopt;
  const bool counter = id != FunctionId::kDelta;
  const std::vector<RefPoint> points = Along(w, counter);
  if (points.empty()) return std::nullopt;
  const double seconds = id == FunctionId::kRate ? w.end_s - w.begin_s : 1;
  const std::optional<RefElement> change = Change(points, counter);
  if (!change || !change->histogram) return change ? change->value / seconds : change;
  RefHistogram out = RefCompact(RefDivide(*change->histogram, seconds));
  out.hint = RefHint::kGauge;
  return out;
}

}  // namespace deucalion::testing_support
