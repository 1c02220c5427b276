// math.Min and math.Max of Go: an infinity of the right sign wins even over NaN, NaN over numbers.
#ifndef DEUCALION_PROMQL_FUNCTIONS_GO_MATH_H_
#define DEUCALION_PROMQL_FUNCTIONS_GO_MATH_H_

#include <cmath>
#include <limits>

namespace deucalion::promql {

inline double GoMax(double a, double b) {
  if (a == HUGE_VAL || b == HUGE_VAL) return HUGE_VAL;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

inline double GoMin(double a, double b) {
  if (a == -HUGE_VAL || b == -HUGE_VAL) return -HUGE_VAL;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_FUNCTIONS_GO_MATH_H_
