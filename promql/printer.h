// Syntax tree -> text. Both forms parse back to an equal tree and are byte for byte those of
// Prometheus: users see them in /format_query, in recorded rules and in error messages.
#ifndef DEUCALION_PROMQL_PRINTER_H_
#define DEUCALION_PROMQL_PRINTER_H_

#include <string>
#include <string_view>

#include "promql/ast.h"

namespace deucalion::promql {

// On one line.
std::string Print(const Expr& e);
// With lines broken and indented wherever a node is longer than 100 bytes.
std::string Prettify(const Expr& e);

// The operator of a duration expression: "+", "step", "min_of".
std::string_view DurationOpText(DurationExpr::Op op);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PRINTER_H_
