// Neumaier's variant of Kahan summation, step by step as Prometheus does it: results must agree to
// the last bit as long as the order of additions is the same.
#ifndef DEUCALION_PROMQL_EXEC_KAHAN_H_
#define DEUCALION_PROMQL_EXEC_KAHAN_H_

#include <cmath>

namespace deucalion::promql {

// *sum + *c gains `inc`. An infinite sum has no compensation.
inline void KahanInc(double inc, double* sum, double* c) {
  const double t = *sum + inc;
  if (std::isinf(t)) {
    *c = 0;
  } else if (std::fabs(*sum) >= std::fabs(inc)) {
    *c += (*sum - t) + inc;
  } else {
    *c += (inc - t) + *sum;
  }
  *sum = t;
}

// The same for a loop over columns: the rounding error is computed without a branch (Knuth's
// TwoSum), which is exact as well, so the bits are those of KahanInc.
inline void KahanIncBranchless(double inc, double* sum, double* c) {
  const double s = *sum;
  const double t = s + inc;
  const double b = t - s;
  const double error = (s - (t - b)) + (inc - b);
  *c = std::fabs(t) == HUGE_VAL ? 0 : *c + error;
  *sum = t;
}

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_KAHAN_H_
