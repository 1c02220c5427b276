#include "promql/functions/signature.h"

#include <algorithm>
#include <array>

namespace deucalion::promql {
namespace {

constexpr ValueType S = ValueType::kScalar;
constexpr ValueType V = ValueType::kVector;
constexpr ValueType M = ValueType::kMatrix;
constexpr ValueType T = ValueType::kString;

// Columns: id, name, result, variadic, experimental, declared arguments, their types.
using F = FunctionId;
constexpr std::array<FunctionSignature, kFunctionCount> kFunctions = {{
    {F::kAbs, "abs", V, 0, false, 1, {V}},
    {F::kAbsent, "absent", V, 0, false, 1, {V}},
    {F::kAbsentOverTime, "absent_over_time", V, 0, false, 1, {M}},
    {F::kAcos, "acos", V, 0, false, 1, {V}},
    {F::kAcosh, "acosh", V, 0, false, 1, {V}},
    {F::kAsin, "asin", V, 0, false, 1, {V}},
    {F::kAsinh, "asinh", V, 0, false, 1, {V}},
    {F::kAtan, "atan", V, 0, false, 1, {V}},
    {F::kAtanh, "atanh", V, 0, false, 1, {V}},
    {F::kAvgOverTime, "avg_over_time", V, 0, false, 1, {M}},
    {F::kCeil, "ceil", V, 0, false, 1, {V}},
    {F::kChanges, "changes", V, 0, false, 1, {M}},
    {F::kClamp, "clamp", V, 0, false, 3, {V, S, S}},
    {F::kClampMax, "clamp_max", V, 0, false, 2, {V, S}},
    {F::kClampMin, "clamp_min", V, 0, false, 2, {V, S}},
    {F::kCos, "cos", V, 0, false, 1, {V}},
    {F::kCosh, "cosh", V, 0, false, 1, {V}},
    {F::kCountOverTime, "count_over_time", V, 0, false, 1, {M}},
    {F::kDayOfMonth, "day_of_month", V, 1, false, 1, {V}},
    {F::kDayOfWeek, "day_of_week", V, 1, false, 1, {V}},
    {F::kDayOfYear, "day_of_year", V, 1, false, 1, {V}},
    {F::kDaysInMonth, "days_in_month", V, 1, false, 1, {V}},
    {F::kDeg, "deg", V, 0, false, 1, {V}},
    {F::kDelta, "delta", V, 0, false, 1, {M}},
    {F::kDeriv, "deriv", V, 0, false, 1, {M}},
    {F::kDoubleExponentialSmoothing, "double_exponential_smoothing", V, 0, true, 3, {M, S, S}},
    {F::kEnd, "end", S, 0, true, 0, {}},
    {F::kExp, "exp", V, 0, false, 1, {V}},
    {F::kFirstOverTime, "first_over_time", V, 0, false, 1, {M}},
    {F::kFloor, "floor", V, 0, false, 1, {V}},
    {F::kHistogramAvg, "histogram_avg", V, 0, false, 1, {V}},
    {F::kHistogramCount, "histogram_count", V, 0, false, 1, {V}},
    {F::kHistogramFraction, "histogram_fraction", V, 0, false, 3, {S, S, V}},
    {F::kHistogramQuantile, "histogram_quantile", V, 0, false, 2, {S, V}},
    {F::kHistogramQuantiles, "histogram_quantiles", V, 9, true, 4, {V, T, S, S}},
    {F::kHistogramStddev, "histogram_stddev", V, 0, false, 1, {V}},
    {F::kHistogramStdvar, "histogram_stdvar", V, 0, false, 1, {V}},
    {F::kHistogramSum, "histogram_sum", V, 0, false, 1, {V}},
    {F::kHour, "hour", V, 1, false, 1, {V}},
    {F::kIdelta, "idelta", V, 0, false, 1, {M}},
    {F::kIncrease, "increase", V, 0, false, 1, {M}},
    {F::kInfo, "info", V, 1, true, 2, {V, V}},
    {F::kIrate, "irate", V, 0, false, 1, {M}},
    {F::kLabelJoin, "label_join", V, -1, false, 4, {V, T, T, T}},
    {F::kLabelReplace, "label_replace", V, 0, false, 5, {V, T, T, T, T}},
    {F::kLastOverTime, "last_over_time", V, 0, false, 1, {M}},
    {F::kLn, "ln", V, 0, false, 1, {V}},
    {F::kLog10, "log10", V, 0, false, 1, {V}},
    {F::kLog2, "log2", V, 0, false, 1, {V}},
    {F::kMadOverTime, "mad_over_time", V, 0, true, 1, {M}},
    {F::kMaxOf, "max_of", S, 0, true, 2, {S, S}},
    {F::kMaxOverTime, "max_over_time", V, 0, false, 1, {M}},
    {F::kMinOf, "min_of", S, 0, true, 2, {S, S}},
    {F::kMinOverTime, "min_over_time", V, 0, false, 1, {M}},
    {F::kMinute, "minute", V, 1, false, 1, {V}},
    {F::kMonth, "month", V, 1, false, 1, {V}},
    {F::kPi, "pi", S, 0, false, 0, {}},
    {F::kPredictLinear, "predict_linear", V, 0, false, 2, {M, S}},
    {F::kPresentOverTime, "present_over_time", V, 0, false, 1, {M}},
    {F::kQuantileOverTime, "quantile_over_time", V, 0, false, 2, {S, M}},
    {F::kRad, "rad", V, 0, false, 1, {V}},
    {F::kRange, "range", S, 0, true, 0, {}},
    {F::kRate, "rate", V, 0, false, 1, {M}},
    {F::kResets, "resets", V, 0, false, 1, {M}},
    {F::kRound, "round", V, 1, false, 2, {V, S}},
    {F::kScalar, "scalar", S, 0, false, 1, {V}},
    {F::kSgn, "sgn", V, 0, false, 1, {V}},
    {F::kSin, "sin", V, 0, false, 1, {V}},
    {F::kSinh, "sinh", V, 0, false, 1, {V}},
    {F::kSort, "sort", V, 0, false, 1, {V}},
    {F::kSortByLabel, "sort_by_label", V, -1, true, 2, {V, T}},
    {F::kSortByLabelDesc, "sort_by_label_desc", V, -1, true, 2, {V, T}},
    {F::kSortDesc, "sort_desc", V, 0, false, 1, {V}},
    {F::kSqrt, "sqrt", V, 0, false, 1, {V}},
    {F::kStart, "start", S, 0, true, 0, {}},
    {F::kStartTimestamp, "start_timestamp", V, 0, true, 1, {V}},
    {F::kStddevOverTime, "stddev_over_time", V, 0, false, 1, {M}},
    {F::kStdvarOverTime, "stdvar_over_time", V, 0, false, 1, {M}},
    {F::kStep, "step", S, 0, true, 0, {}},
    {F::kSumOverTime, "sum_over_time", V, 0, false, 1, {M}},
    {F::kTan, "tan", V, 0, false, 1, {V}},
    {F::kTanh, "tanh", V, 0, false, 1, {V}},
    {F::kTime, "time", S, 0, false, 0, {}},
    {F::kTimestamp, "timestamp", V, 0, false, 1, {V}},
    {F::kTsOfFirstOverTime, "ts_of_first_over_time", V, 0, true, 1, {M}},
    {F::kTsOfLastOverTime, "ts_of_last_over_time", V, 0, true, 1, {M}},
    {F::kTsOfMaxOverTime, "ts_of_max_over_time", V, 0, true, 1, {M}},
    {F::kTsOfMinOverTime, "ts_of_min_over_time", V, 0, true, 1, {M}},
    {F::kVector, "vector", V, 0, false, 1, {S}},
    {F::kYear, "year", V, 1, false, 1, {V}},
}};

constexpr bool TableIsInOrder() {
  for (size_t i = 0; i < kFunctions.size(); ++i) {
    if (static_cast<size_t>(kFunctions[i].id) != i) return false;
    if (i > 0 && !(kFunctions[i - 1].name < kFunctions[i].name)) return false;
  }
  return true;
}
static_assert(TableIsInOrder());

}  // namespace

std::span<const FunctionSignature, kFunctionCount> Functions() { return kFunctions; }

const FunctionSignature& FunctionOf(FunctionId id) { return kFunctions[static_cast<size_t>(id)]; }

const FunctionSignature* FindFunction(std::string_view name) {
  const auto it = std::ranges::lower_bound(kFunctions, name, {}, &FunctionSignature::name);
  return it != kFunctions.end() && it->name == name ? &*it : nullptr;
}

}  // namespace deucalion::promql
