// Natural order of strings: runs of digits compare as numbers, so node-2 comes before node-10.
#ifndef DEUCALION_PROMQL_FUNCTIONS_NATURAL_ORDER_H_
#define DEUCALION_PROMQL_FUNCTIONS_NATURAL_ORDER_H_

#include <string_view>

namespace deucalion::promql {

// As the library natsort, which Prometheus uses: both are cut into runs of digits and of other
// bytes; the first pair of runs that differ decides, two numbers by value, else by bytes; a prefix
// comes first.
bool NaturalLess(std::string_view a, std::string_view b);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_FUNCTIONS_NATURAL_ORDER_H_
