// ScalarColumn: a scalar over all steps; most are the same at each. A value.
#ifndef DEUCALION_PROMQL_EXEC_SCALAR_COLUMN_H_
#define DEUCALION_PROMQL_EXEC_SCALAR_COLUMN_H_

#include <cstddef>
#include <utility>
#include <vector>

namespace deucalion::promql {

class ScalarColumn {
 public:
  explicit ScalarColumn(double constant = 0) : constant_(constant) {}
  explicit ScalarColumn(std::vector<double> values) : values_(std::move(values)) {}

  bool is_constant() const { return values_.empty(); }
  double operator[](size_t step) const { return values_.empty() ? constant_ : values_[step]; }

 private:
  double constant_ = 0;
  std::vector<double> values_;
};

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_SCALAR_COLUMN_H_
