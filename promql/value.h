// What a query answers: a scalar, a string, an instant vector or a matrix. Values;
// thread-compatible.
#ifndef DEUCALION_PROMQL_VALUE_H_
#define DEUCALION_PROMQL_VALUE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/histogram.h"
#include "model/labels.h"

namespace deucalion::promql {

// Histograms are shared, never changed once they are in a result.
using HistogramPtr = std::shared_ptr<const FloatHistogram>;

struct Scalar {
  int64_t time_ms = 0;
  double value = 0;
};

struct String {
  int64_t time_ms = 0;
  std::string value;
};

// One element of an instant vector.
struct VectorSample {
  Labels labels;
  int64_t time_ms = 0;
  double value = 0;  // when histogram is null
  HistogramPtr histogram;
};

struct MatrixHistogram {
  int64_t time_ms = 0;
  HistogramPtr histogram;
};

// One series of a matrix: float points as two columns of equal length, and histogram points; each
// in time order, no timestamp twice.
struct MatrixSeries {
  Labels labels;
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<MatrixHistogram> histograms;
};

using Vector = std::vector<VectorSample>;
// Sorted by labels. A writer may move series out one by one and drop each once written.
using Matrix = std::vector<MatrixSeries>;

using Value = std::variant<Scalar, String, Vector, Matrix>;

// "scalar", "string", "vector", "matrix": the API's resultType.
std::string_view ValueTypeText(const Value& value);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_VALUE_H_
