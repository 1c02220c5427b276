#include "promql/functions/range_call.h"

namespace deucalion::promql {

bool IsStartTimestampReset(int64_t previous_start, int64_t previous_time, int64_t start,
                           int64_t time) {
  // Unknown, OpenTelemetry's "unknown" (equal to the sample's time), or invalid.
  if (start == 0 || start >= time) return false;
  if (start != previous_time) return start > previous_time;
  // It points at the previous sample: deltas do that, and so do cumulative series whose real start
  // is not known. Only the former begin anew; they are known by a previous start that makes sense.
  if (previous_start > previous_time) return false;
  return previous_start != 0 && previous_start != previous_time;
}

RangeKernel RangeKernelOf(FunctionId id) {
  switch (id) {
    case FunctionId::kRate:
    case FunctionId::kIncrease:
    case FunctionId::kDelta:
      return RateKernel;
    case FunctionId::kIrate:
    case FunctionId::kIdelta:
      return InstantRateKernel;
    case FunctionId::kResets:
      return ResetsKernel;
    case FunctionId::kChanges:
      return ChangesKernel;
    case FunctionId::kSumOverTime:
      return SumKernel;
    case FunctionId::kAvgOverTime:
      return AvgKernel;
    case FunctionId::kCountOverTime:
      return CountKernel;
    case FunctionId::kPresentOverTime:
    case FunctionId::kAbsentOverTime:
      return PresentKernel;
    case FunctionId::kFirstOverTime:
      return FirstKernel;
    case FunctionId::kLastOverTime:
      return LastKernel;
    case FunctionId::kTsOfFirstOverTime:
      return TimeOfFirstKernel;
    case FunctionId::kTsOfLastOverTime:
      return TimeOfLastKernel;
    case FunctionId::kMinOverTime:
    case FunctionId::kMaxOverTime:
    case FunctionId::kTsOfMinOverTime:
    case FunctionId::kTsOfMaxOverTime:
      return MinMaxKernel;
    case FunctionId::kStddevOverTime:
    case FunctionId::kStdvarOverTime:
      return VarianceKernel;
    case FunctionId::kQuantileOverTime:
      return QuantileKernel;
    case FunctionId::kMadOverTime:
      return MadKernel;
    case FunctionId::kDeriv:
    case FunctionId::kPredictLinear:
      return RegressionKernel;
    case FunctionId::kDoubleExponentialSmoothing:
      return SmoothingKernel;
    default:
      return nullptr;
  }
}

}  // namespace deucalion::promql
