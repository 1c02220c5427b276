#include "promql/plan/durations.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace deucalion::promql {
namespace {

struct Times {
  double step_s;
  double range_s;
};

Result<double> Evaluate(const Expr& e, const Times& times);

// As upstream: with where it begins and ends, in bytes from 0.
Status DurationError(const Expr& e, const char* what) {
  std::string text = std::to_string(e.span.begin);
  text.append(":").append(std::to_string(e.span.end)).append(": ").append(what);
  return InvalidArgumentError(std::move(text));
}

Result<double> EvaluateOp(const DurationExpr& d, double l, double r) {
  using Op = DurationExpr::Op;
  switch (d.op) {
    case Op::kAdd:
      return l + r;
    case Op::kSub:
      return d.lhs ? l - r : -r;
    case Op::kMul:
      return l * r;
    case Op::kDiv:
      if (r == 0) return DurationError(d, "division by zero");
      return l / r;
    case Op::kMod:
      if (r == 0) return DurationError(d, "modulo by zero");
      return std::fmod(l, r);
    case Op::kPow:
      return std::pow(l, r);
    case Op::kMinOf:
      return std::min(l, r);
    case Op::kMaxOf:
      return std::max(l, r);
    default:
      return InternalError("unexpected duration expression operator");
  }
}

Result<double> Evaluate(const Expr& e, const Times& times) {
  if (const auto* number = TryAs<NumberLiteral>(e)) return number->value;
  const auto& d = As<DurationExpr>(e);
  if (d.op == DurationExpr::Op::kStep) return times.step_s;
  if (d.op == DurationExpr::Op::kRange) return times.range_s;
  double l = 0;
  if (d.lhs) {
    ASSIGN_OR_RETURN(l, Evaluate(*d.lhs, times));
  }
  ASSIGN_OR_RETURN(const double r, Evaluate(*d.rhs, times));
  return EvaluateOp(d, l, r);
}

}  // namespace

Result<int64_t> ResolveDuration(const DurationValue& duration, int64_t step_ms, int64_t range_ms,
                                bool allow_negative) {
  if (duration.expr == nullptr) return duration.ms;
  const Times times{static_cast<double>(step_ms) / 1000, static_cast<double>(range_ms) / 1000};
  ASSIGN_OR_RETURN(const double seconds, Evaluate(*duration.expr, times));
  if (seconds <= 0 && !allow_negative) {
    return DurationError(*duration.expr, "duration must be greater than 0");
  }
  // 292 years: what Go's time.Duration can hold.
  if (!(std::fabs(seconds) < 9223372036.0)) {
    return DurationError(*duration.expr, "duration is out of range");
  }
  return static_cast<int64_t>(seconds * 1000);
}

}  // namespace deucalion::promql
