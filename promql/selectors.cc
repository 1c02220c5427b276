#include "promql/selectors.h"

namespace deucalion::promql {
namespace {

void Collect(const Expr& e, std::vector<const VectorSelector*>* out) {
  if (const auto* v = TryAs<VectorSelector>(e)) out->push_back(v);
  ForEachChild(e, [&](const Expr& child) { Collect(child, out); });
}

}  // namespace

std::vector<const VectorSelector*> FindSelectors(const Expr& e) {
  std::vector<const VectorSelector*> out;
  Collect(e, &out);
  return out;
}

std::vector<std::vector<Matcher>> ExtractSelectors(const Expr& e) {
  std::vector<std::vector<Matcher>> out;
  for (const VectorSelector* v : FindSelectors(e)) out.push_back(v->matchers);
  return out;
}

}  // namespace deucalion::promql
