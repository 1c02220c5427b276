// The selectors of an expression: exemplar queries, rule dependencies and linters ask for them.
#ifndef DEUCALION_PROMQL_SELECTORS_H_
#define DEUCALION_PROMQL_SELECTORS_H_

#include <vector>

#include "model/matcher.h"
#include "promql/ast.h"

namespace deucalion::promql {

// Those of range selectors too, in the order of the text. Valid as long as the tree.
std::vector<const VectorSelector*> FindSelectors(const Expr& e);
// The same as sets of matchers.
std::vector<std::vector<Matcher>> ExtractSelectors(const Expr& e);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_SELECTORS_H_
