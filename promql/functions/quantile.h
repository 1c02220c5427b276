// The φ-quantile of plain values.
#ifndef DEUCALION_PROMQL_FUNCTIONS_QUANTILE_H_
#define DEUCALION_PROMQL_FUNCTIONS_QUANTILE_H_

#include <vector>

namespace deucalion::promql {

// Interpolated between neighbours; NaN sorts lowest. NaN for no values or q NaN, -Inf for q < 0,
// +Inf for q > 1. Reorders *values.
double Quantile(double q, std::vector<double>* values);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_FUNCTIONS_QUANTILE_H_
