// The functions of PromQL 3.14: names, argument and result types. Data only; the engine binds
// implementations by FunctionId. The table is constant and lives as long as the process.
#ifndef DEUCALION_PROMQL_FUNCTIONS_SIGNATURE_H_
#define DEUCALION_PROMQL_FUNCTIONS_SIGNATURE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "promql/value_type.h"

namespace deucalion::promql {

// In the order of their names.
enum class FunctionId : uint8_t {
  kAbs,
  kAbsent,
  kAbsentOverTime,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kAvgOverTime,
  kCeil,
  kChanges,
  kClamp,
  kClampMax,
  kClampMin,
  kCos,
  kCosh,
  kCountOverTime,
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kDaysInMonth,
  kDeg,
  kDelta,
  kDeriv,
  kDoubleExponentialSmoothing,
  kEnd,
  kExp,
  kFirstOverTime,
  kFloor,
  kHistogramAvg,
  kHistogramCount,
  kHistogramFraction,
  kHistogramQuantile,
  kHistogramQuantiles,
  kHistogramStddev,
  kHistogramStdvar,
  kHistogramSum,
  kHour,
  kIdelta,
  kIncrease,
  kInfo,
  kIrate,
  kLabelJoin,
  kLabelReplace,
  kLastOverTime,
  kLn,
  kLog10,
  kLog2,
  kMadOverTime,
  kMaxOf,
  kMaxOverTime,
  kMinOf,
  kMinOverTime,
  kMinute,
  kMonth,
  kPi,
  kPredictLinear,
  kPresentOverTime,
  kQuantileOverTime,
  kRad,
  kRange,
  kRate,
  kResets,
  kRound,
  kScalar,
  kSgn,
  kSin,
  kSinh,
  kSort,
  kSortByLabel,
  kSortByLabelDesc,
  kSortDesc,
  kSqrt,
  kStart,
  kStartTimestamp,
  kStddevOverTime,
  kStdvarOverTime,
  kStep,
  kSumOverTime,
  kTan,
  kTanh,
  kTime,
  kTimestamp,
  kTsOfFirstOverTime,
  kTsOfLastOverTime,
  kTsOfMaxOverTime,
  kTsOfMinOverTime,
  kVector,
  kYear,
};
inline constexpr size_t kFunctionCount = 90;
inline constexpr size_t kMaxDeclaredArgs = 5;

struct FunctionSignature {
  FunctionId id;
  std::string_view name;
  ValueType result;
  // How many arguments beyond the declared ones less one are allowed: 0 = exactly the declared
  // ones; n > 0 = between declared-1 and declared-1+n; -1 = at least declared-1. Extra arguments
  // have the type of the last declared one.
  int variadic;
  bool experimental;  // needs promql-experimental-functions
  uint8_t declared_args;
  ValueType args[kMaxDeclaredArgs];

  std::span<const ValueType> arg_types() const { return {args, declared_args}; }
};

// All of them by name; FunctionId is the index.
std::span<const FunctionSignature, kFunctionCount> Functions();
const FunctionSignature& FunctionOf(FunctionId id);
// Null when there is none of that name (names are case-sensitive).
const FunctionSignature* FindFunction(std::string_view name);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_FUNCTIONS_SIGNATURE_H_
