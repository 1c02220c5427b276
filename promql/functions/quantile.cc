#include "promql/functions/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace deucalion::promql {

double Quantile(double q, std::vector<double>* values) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (values->empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  auto less = [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; };
  const double n = static_cast<double>(values->size());
  const double rank = q * (n - 1);
  const auto lower = static_cast<size_t>(std::max(0.0, std::floor(rank)));
  const size_t upper = std::min(values->size() - 1, lower + 1);
  // Only the two neighbours of the rank must be in place.
  std::nth_element(values->begin(), values->begin() + static_cast<std::ptrdiff_t>(lower),
                   values->end(), less);
  if (upper != lower) {
    std::iter_swap(values->begin() + static_cast<std::ptrdiff_t>(upper),
                   std::min_element(values->begin() + static_cast<std::ptrdiff_t>(upper),
                                    values->end(), less));
  }
  const double weight = rank - std::floor(rank);
  return (*values)[lower] * (1 - weight) + (*values)[upper] * weight;
}

}  // namespace deucalion::promql
