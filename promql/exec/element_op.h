// One binary operator between two samples, each a float or a histogram.
#ifndef DEUCALION_PROMQL_EXEC_ELEMENT_OP_H_
#define DEUCALION_PROMQL_EXEC_ELEMENT_OP_H_

#include <cstdint>

#include "promql/annotations.h"
#include "promql/ast.h"
#include "promql/value.h"

namespace deucalion::promql {

struct Element {
  double value = 0;  // when histogram is null
  HistogramPtr histogram;
};

struct ElementResult {
  Element element;
  bool valid = false;  // false: the operator makes no sense of these kinds; there is an annotation
  bool keep = false;   // the result is a sample: always for arithmetic, if true for comparisons
};

// Comparisons yield the left element. `pos`: of the whole operation.
ElementResult ApplyElementOp(BinaryOp op, const Element& l, const Element& r, int32_t pos,
                             Annotations* annotations);

// Whether the operator changes what the metric means, so that its name has to go.
bool DropsName(BinaryOp op);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_EXEC_ELEMENT_OP_H_
