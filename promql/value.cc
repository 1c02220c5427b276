#include "promql/value.h"

namespace deucalion::promql {

std::string_view ValueTypeText(const Value& value) {
  static constexpr std::string_view kTexts[] = {"scalar", "string", "vector", "matrix"};
  return kTexts[value.index()];
}

}  // namespace deucalion::promql
