// Anchored and smoothed ranges in the reference evaluator: what happened between the two ends of
// the window, whose values are taken from (anchored) or drawn between (smoothed) the samples around
// them.
#include <cmath>

#include "tests/support/reference_eval.h"

namespace deucalion::testing_support {

using promql::FunctionId;

double RefInterpolate(const RefPoint& a, const RefPoint& b, int64_t time_ms, bool counter) {
  const double from = counter && b.value < a.value ? 0 : a.value;
  return from + (b.value - from) * static_cast<double>(time_ms - a.time_ms) /
                    static_cast<double>(b.time_ms - a.time_ms);
}

namespace {

int64_t Milliseconds(double seconds) { return std::llround(seconds * 1000); }

// The values along the window: at its begin, those within, at its end. Empty when nothing lies in
// it.
std::vector<double> Along(const RefWindow& w, bool counter) {
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
  std::vector<double> values;
  if (before == nullptr) {
    values.push_back(after_begin->value);
  } else if (w.smoothed && before->time_ms < begin) {
    values.push_back(RefInterpolate(*before, *after_begin, begin, counter));
  } else {
    values.push_back(before->value);
  }
  for (const RefPoint& p : w.points) {
    if (p.time_ms > begin && p.time_ms < end) values.push_back(p.value);
  }
  if (at_end == nullptr) {
    values.push_back(before_end->value);
  } else if (at_end->time_ms > end && before_end != nullptr) {
    values.push_back(RefInterpolate(*before_end, *at_end, end, counter));
  } else {
    values.push_back(at_end->value);
  }
  return values;
}

}  // namespace

std::optional<double> RefExtendedFunction(FunctionId id, const RefWindow& w) {
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
  const bool counter = id != FunctionId::kDelta;
  const std::vector<double> values = Along(w, counter);
  if (values.empty()) return std::nullopt;
  double change = values.back() - values.front();
  for (size_t i = 1; counter && i < values.size(); ++i) {
    if (values[i] < values[i - 1]) change += values[i - 1];
  }
  return id == FunctionId::kRate ? change / (w.end_s - w.begin_s) : change;
}

}  // namespace deucalion::testing_support
