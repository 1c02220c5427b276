#include "promql/functions/natural_order.h"

#include <algorithm>

namespace deucalion::promql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Cuts the next run off the front.
std::string_view TakeRun(std::string_view* s) {
  size_t n = 1;
  while (n < s->size() && IsDigit((*s)[n]) == IsDigit((*s)[0])) n++;
  const std::string_view run = s->substr(0, n);
  s->remove_prefix(n);
  return run;
}

std::string_view WithoutZeros(std::string_view digits) {
  const size_t n = digits.find_first_not_of('0');
  return n == std::string_view::npos ? std::string_view() : digits.substr(n);
}

}  // namespace

bool NaturalLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view x = TakeRun(&a), y = TakeRun(&b);
    if (x == y) continue;
    if (!IsDigit(x[0]) || !IsDigit(y[0])) return x < y;
    const std::string_view p = WithoutZeros(x), q = WithoutZeros(y);
    if (p.size() != q.size()) return p.size() < q.size();
    if (p != q) return p < q;
  }
  return a.empty() && !b.empty();
}

}  // namespace deucalion::promql
