// The types of PromQL expressions.
#ifndef DEUCALION_PROMQL_VALUE_TYPE_H_
#define DEUCALION_PROMQL_VALUE_TYPE_H_

#include <cstdint>
#include <string_view>

namespace deucalion::promql {

enum class ValueType : uint8_t { kNone, kScalar, kVector, kMatrix, kString };

// As the API says it: "none", "scalar", "vector", "matrix", "string".
constexpr std::string_view ValueTypeText(ValueType t) {
  constexpr std::string_view kTexts[] = {"none", "scalar", "vector", "matrix", "string"};
  return kTexts[static_cast<int>(t)];
}
// As the documentation and error messages say it: "instant vector", "range vector".
constexpr std::string_view DocumentedType(ValueType t) {
  if (t == ValueType::kVector) return "instant vector";
  if (t == ValueType::kMatrix) return "range vector";
  return ValueTypeText(t);
}

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_VALUE_TYPE_H_
