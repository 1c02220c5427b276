#include "promql/exec/window_fold.h"

#include <algorithm>
#include <cmath>

#include "model/value.h"

namespace deucalion::promql {
namespace {

constexpr double kWholeBelow = 9007199254740992.0;  // 2^53: whole numbers below add exactly

bool IsCounterFunction(FunctionId id) {
  return id == FunctionId::kRate || id == FunctionId::kIncrease;
}

}  // namespace

bool WindowFold::Knows(const RangeCall& call) {
  if (call.window.anchored || call.window.smoothed || call.start_timestamps) return false;
  switch (call.id) {
    case FunctionId::kRate:
    case FunctionId::kIncrease:
    case FunctionId::kDelta:
    case FunctionId::kResets:
    case FunctionId::kChanges:
    case FunctionId::kSumOverTime:
    case FunctionId::kAvgOverTime:
    case FunctionId::kCountOverTime:
    case FunctionId::kPresentOverTime:
    case FunctionId::kMinOverTime:
    case FunctionId::kMaxOverTime:
    case FunctionId::kFirstOverTime:
    case FunctionId::kLastOverTime:
    case FunctionId::kTsOfFirstOverTime:
    case FunctionId::kTsOfLastOverTime:
      return true;
    default:
      return false;
  }
}

bool WindowFold::Sums() const {
  return call_.id == FunctionId::kSumOverTime || call_.id == FunctionId::kAvgOverTime;
}

void WindowFold::Clear() {
  exact_ = true;
  count_ = resets_ = changes_ = 0;
  sum_ = 0;
  before_resets_.clear();
}

void WindowFold::AddNeighbour(double value) {
  if (count_ == 0) return;
  if (value < last_) {
    resets_++;
    before_resets_.push_back(last_);
  }
  if (value != last_ && !(std::isnan(value) && std::isnan(last_))) changes_++;
}

void WindowFold::AddExtreme(double value) {
  const bool better = IsMax() ? value > extreme_ : value < extreme_;
  if (count_ == 0 || better || (std::isnan(extreme_) && !std::isnan(value))) extreme_ = value;
}

// `largest_partial`: no sum of some of the samples is further from zero.
void WindowFold::AddToSum(double sum, double largest_partial) {
  exact_ = exact_ && std::fabs(sum_) + largest_partial < kWholeBelow;
  sum_ += sum;
}

void WindowFold::OnSlice(const SliceSummary& s) {
  if (s.count == 0) return;
  AddNeighbour(s.first);
  AddExtreme(IsMax() ? s.max : s.min);
  if (std::isnan(s.min)) exact_ = false;  // which of several NaN is not told
  if (Sums()) {
    exact_ = exact_ && s.integral;
    if (exact_) AddToSum(s.sum, std::max(std::fabs(s.min), std::fabs(s.max)) * s.count);
  }
  resets_ += s.resets;
  changes_ += s.changes;
  // Of several resets the summary has the sum alone, which adds up in another order.
  if (s.resets > 1 && IsCounterFunction(call_.id)) exact_ = false;
  if (s.resets == 1) before_resets_.push_back(s.correction);
  if (count_ == 0) {
    first_ms_ = s.first_ms;
    first_ = s.first;
  }
  last_ms_ = s.last_ms;
  last_ = s.last;
  count_ += s.count;
}

void WindowFold::AddSample(int64_t time_ms, double value) {
  AddNeighbour(value);
  AddExtreme(value);
  if (Sums()) {
    exact_ = exact_ && value == std::trunc(value);  // infinities fail the bound, NaN this
    if (exact_) AddToSum(value, std::fabs(value));
  }
  if (count_++ == 0) {
    first_ms_ = time_ms;
    first_ = value;
  }
  last_ms_ = time_ms;
  last_ = value;
}

void WindowFold::OnSamples(std::span<const int64_t> times, std::span<const double> values) {
  for (size_t i = 0; i < times.size(); i++) {
    if (!IsStaleNan(values[i])) AddSample(times[i], values[i]);
  }
}

std::optional<double> WindowFold::Result(size_t step) const {
  if (count_ == 0) return std::nullopt;
  switch (call_.id) {
    case FunctionId::kRate:
    case FunctionId::kIncrease:
    case FunctionId::kDelta:
      return RateOfEnds(call_, step,
                        {.count = count_,
                         .first_ms = first_ms_,
                         .last_ms = last_ms_,
                         .first = first_,
                         .last = last_,
                         .before_resets = before_resets_});
    case FunctionId::kResets:
      return static_cast<double>(resets_);
    case FunctionId::kChanges:
      return static_cast<double>(changes_);
    case FunctionId::kSumOverTime:
      return sum_;
    case FunctionId::kAvgOverTime:
      return sum_ / static_cast<double>(count_);
    case FunctionId::kCountOverTime:
      return static_cast<double>(count_);
    case FunctionId::kPresentOverTime:
      return 1;
    case FunctionId::kMinOverTime:
    case FunctionId::kMaxOverTime:
      return extreme_;
    case FunctionId::kFirstOverTime:
      return first_;
    case FunctionId::kLastOverTime:
      return last_;
    case FunctionId::kTsOfFirstOverTime:
      return static_cast<double>(first_ms_) / 1000;
    case FunctionId::kTsOfLastOverTime:
      return static_cast<double>(std::max<int64_t>(last_ms_, 0)) / 1000;
    default:
      return std::nullopt;
  }
}

}  // namespace deucalion::promql
