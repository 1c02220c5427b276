// The syntax tree as JSON: the answer of /parse_query, drawn by the explain view. Keys are sorted
// as Prometheus's encoder sorts them. What a constant duration says in "range", "offset" and "step"
// is null in "rangeExpr" and so on, and the other way round.
#ifndef DEUCALION_PROMQL_AST_JSON_H_
#define DEUCALION_PROMQL_AST_JSON_H_

#include <string>

#include "promql/ast.h"

namespace deucalion::promql {

std::string AstJson(const Expr& e);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_AST_JSON_H_
