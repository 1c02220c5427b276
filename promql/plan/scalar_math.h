// Operators between two numbers, as PromQL defines them.
#ifndef DEUCALION_PROMQL_PLAN_SCALAR_MATH_H_
#define DEUCALION_PROMQL_PLAN_SCALAR_MATH_H_

#include <cmath>

#include "promql/ast.h"

namespace deucalion::promql {

inline bool CompareFloats(BinaryOp op, double l, double r) {
  switch (op) {
    case BinaryOp::kEqual:
      return l == r;
    case BinaryOp::kNotEqual:
      return l != r;
    case BinaryOp::kLess:
      return l < r;
    case BinaryOp::kLessEqual:
      return l <= r;
    case BinaryOp::kGreater:
      return l > r;
    default:
      return l >= r;
  }
}

// Go's math.Pow: C's, but for 1^NaN and the like, where both agree.
inline double ArithmeticFloats(BinaryOp op, double l, double r) {
  switch (op) {
    case BinaryOp::kAdd:
      return l + r;
    case BinaryOp::kSub:
      return l - r;
    case BinaryOp::kMul:
      return l * r;
    case BinaryOp::kDiv:
      return l / r;
    case BinaryOp::kMod:
      return std::fmod(l, r);
    case BinaryOp::kPow:
      return std::pow(l, r);
    default:
      return std::atan2(l, r);
  }
}

// Between scalars a comparison answers 0 or 1.
inline double ScalarOp(BinaryOp op, double l, double r) {
  if (IsComparison(op)) return CompareFloats(op, l, r) ? 1 : 0;
  return ArithmeticFloats(op, l, r);
}

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PLAN_SCALAR_MATH_H_
