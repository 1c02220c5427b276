// Functions of one number: abs, ln, sin, …, and the parts of a date.
#ifndef DEUCALION_PROMQL_FUNCTIONS_MATH_H_
#define DEUCALION_PROMQL_FUNCTIONS_MATH_H_

#include "promql/functions/signature.h"

namespace deucalion::promql {

using FloatFunction = double (*)(double);

// Null when `id` is none of them.
FloatFunction MathFunctionOf(FunctionId id);
// hour, month, …: of Unix seconds, UTC. Null when `id` is none of them.
FloatFunction DateFunctionOf(FunctionId id);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_FUNCTIONS_MATH_H_
