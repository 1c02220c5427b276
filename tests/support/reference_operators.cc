// Aggregations and binary operators in the reference evaluator.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "tests/support/reference_eval.h"

namespace deucalion::testing_support {

using namespace promql;  // NOLINT: the tree's names

namespace {

RefLabels SignatureOf(const VectorMatching& m, const RefLabels& labels) {
  return m.on ? RefKeep(labels, m.labels) : RefWithoutName(RefDrop(labels, m.labels));
}

// How many samples of each value, the value being a label.
RefValue CountValues(const AggregateExpr& a, const RefValue& value) {
  const std::string& label = As<StringLiteral>(StripParens(*a.param)).value;
  std::map<RefLabels, double> counts;
  for (const RefSample& s : value.vector) {
    char text[400];
    char* end = std::to_chars(text, text + sizeof(text), s.value, std::chars_format::fixed).ptr;
    RefLabels labels =
        a.without ? RefWithoutName(RefDrop(s.labels, a.grouping)) : RefKeep(s.labels, a.grouping);
    labels[label] = std::isnan(s.value)   ? "NaN"
                    : std::isinf(s.value) ? (s.value > 0 ? "+Inf" : "-Inf")
                                          : std::string(text, end);
    ++counts[labels];
  }
  RefValue out;
  for (const auto& [labels, count] : counts) out.vector.push_back({labels, count});
  return out;
}

// In the order of the series.
std::vector<RefSample> FirstOf(std::vector<RefSample> samples, double k) {
  if (k < static_cast<double>(samples.size())) samples.resize(k < 1 ? 0 : static_cast<size_t>(k));
  return samples;
}

// The share r of all label sets, or the share -r that is not in the share 1 + r.
std::vector<RefSample> RatioOf(const std::vector<RefSample>& samples, double r) {
  std::vector<RefSample> out;
  for (const RefSample& s : samples) {
    const double place = static_cast<double>(RefHash(s.labels)) / 0x1p64;
    if (r >= 0 ? place < r : place >= 1 + r) out.push_back(s);
  }
  return out;
}

}  // namespace

RefValue ReferenceEvaluator::EvalAggregate(const AggregateExpr& a, int64_t time_ms) const {
  const RefValue value = EvalNode(*a.expr, time_ms);
  if (!value.error.empty()) return value;
  if (a.op == AggregateOp::kCountValues) return CountValues(a, value);
  double param = 0;
  if (a.param) {
    const RefValue p = EvalNode(*a.param, time_ms);
    if (!p.error.empty()) return p;
    param = p.scalar;
  }
  const bool picks = a.op == AggregateOp::kTopk || a.op == AggregateOp::kBottomk ||
                     a.op == AggregateOp::kLimitk || a.op == AggregateOp::kLimitRatio;
  if (picks && std::isnan(param)) return RefError("parameter is NaN");
  std::map<RefLabels, std::vector<RefSample>> groups;
  for (const RefSample& s : value.vector) {
    groups[a.without ? RefWithoutName(RefDrop(s.labels, a.grouping))
                     : RefKeep(s.labels, a.grouping)]
        .push_back(s);
  }
  RefValue out;
  for (auto& [labels, samples] : groups) {
    if (a.op == AggregateOp::kLimitk || a.op == AggregateOp::kLimitRatio) {
      const std::vector<RefSample> some =
          a.op == AggregateOp::kLimitk ? FirstOf(samples, param) : RatioOf(samples, param);
      out.vector.insert(out.vector.end(), some.begin(), some.end());
      continue;
    }
    if (a.op == AggregateOp::kTopk || a.op == AggregateOp::kBottomk) {
      const bool top = a.op == AggregateOp::kTopk;
      std::erase_if(samples, [](const RefSample& s) { return s.histogram != nullptr; });
      std::ranges::sort(samples, [&](const RefSample& x, const RefSample& y) {
        if (std::isnan(x.value) || std::isnan(y.value)) return !std::isnan(x.value);
        return top ? x.value > y.value : x.value < y.value;
      });
      samples = FirstOf(samples, param);
      out.vector.insert(out.vector.end(), samples.begin(), samples.end());
      continue;
    }
    std::vector<double> values;
    std::vector<RefHistogram> histograms;
    const bool drop = std::ranges::any_of(samples, &RefSample::drop_name);
    for (const RefSample& s : samples) {
      if (s.histogram) {
        histograms.push_back(*s.histogram);
      } else {
        values.push_back(s.value);
      }
    }
    if (a.op == AggregateOp::kCount || a.op == AggregateOp::kGroup) {
      values.resize(samples.size());
    } else if (a.op == AggregateOp::kSum || a.op == AggregateOp::kAvg) {
      if (!values.empty() && !histograms.empty()) continue;
      if (!histograms.empty()) {
        const auto sum = RefSum(histograms);
        const bool mean = a.op == AggregateOp::kAvg;
        const double divisor = mean ? static_cast<double>(histograms.size()) : 1;
        if (sum) out.vector.push_back({labels, RefCompact(RefDivide(*sum, divisor)), drop});
        continue;
      }
    }
    if (values.empty()) continue;
    out.vector.push_back({labels, RefAggregate(a.op, values, param), drop});
  }
  return out;
}

namespace {

bool IsArithmetic(BinaryOp op) {
  return !IsComparison(op) && op != BinaryOp::kTrimLower && op != BinaryOp::kTrimUpper;
}

// What two elements make, if the operator knows them. `kept`: unless a filter drops it.
struct Outcome {
  bool kept = false;
  RefElement element;
};

std::optional<Outcome> Apply(const BinaryExpr& b, const RefElement& lhs, const RefElement& rhs,
                             const RefElement& shown) {
  if (IsComparison(b.op)) {
    const std::optional<bool> holds = RefCompare(b.op, lhs, rhs);
    if (!holds) return std::nullopt;
    if (b.return_bool) return Outcome{true, RefElement(*holds ? 1 : 0)};
    return Outcome{*holds, shown};
  }
  const std::optional<RefElement> result = RefBinary(b.op, lhs, rhs);
  return result ? std::optional(Outcome{true, *result}) : std::nullopt;
}

}  // namespace

// One element against a scalar. Nothing when a filter drops it.
std::optional<RefSample> ReferenceEvaluator::WithScalar(const BinaryExpr& b, const RefSample& s,
                                                        double scalar, bool scalar_left) const {
  const RefElement other(scalar);
  const auto outcome = Apply(b, scalar_left ? other : s, scalar_left ? s : other, s);
  if (!outcome || !outcome->kept) return std::nullopt;
  const bool keep_name = !IsArithmetic(b.op) && !b.return_bool;
  if (keep_name) return RefSample(s.labels, outcome->element, s.drop_name);
  // docs/decisions/answers-of-2.42.md
  if (b.op == BinaryOp::kAtan2 && !options_.delayed_names) {
    return RefSample(s.labels, outcome->element);
  }
  return Nameless(s.labels, outcome->element);
}

namespace {

RefValue SetOperation(const BinaryExpr& b, const RefValue& lhs, const RefValue& rhs) {
  const VectorMatching& m = *b.matching;
  std::set<RefLabels> left, right;
  for (const RefSample& s : lhs.vector) left.insert(SignatureOf(m, s.labels));
  for (const RefSample& s : rhs.vector) right.insert(SignatureOf(m, s.labels));
  RefValue out;
  for (const RefSample& s : lhs.vector) {
    const bool in_both = right.contains(SignatureOf(m, s.labels));
    const bool keep = b.op == BinaryOp::kOr || in_both == (b.op == BinaryOp::kAnd);
    if (keep) out.vector.push_back(s);
  }
  for (const RefSample& s : rhs.vector) {
    if (b.op == BinaryOp::kOr && !left.contains(SignatureOf(m, s.labels))) out.vector.push_back(s);
  }
  return out;
}

RefLabels MatchedLabels(const BinaryExpr& b, const RefLabels& many, const RefLabels& one,
                        bool delayed_names) {
  const VectorMatching& m = *b.matching;
  RefLabels labels = IsArithmetic(b.op) ? RefWithoutName(many) : many;
  if (m.card == VectorMatching::Card::kOneToOne) {
    labels = m.on ? RefKeep(labels, m.labels) : RefDrop(labels, m.labels);
  }
  for (const std::string& name : m.include) {
    labels.erase(name);
    const auto it = one.find(name);
    if (it != one.end()) labels.insert(*it);
  }
  return b.return_bool && !delayed_names ? RefWithoutName(labels) : labels;
}

RefValue Match(const BinaryExpr& b, const RefValue& lhs, const RefValue& rhs, bool delayed_names) {
  const VectorMatching& m = *b.matching;
  const bool fills = m.fill_lhs || m.fill_rhs;
  if (!fills && (lhs.vector.empty() || rhs.vector.empty())) return RefValue();
  const bool swapped = m.card == VectorMatching::Card::kOneToMany;
  const std::vector<RefSample>& many = swapped ? rhs.vector : lhs.vector;
  // As in Prometheus, also with group_right: fill_right is that of the one side.
  const std::optional<double> many_fill = m.fill_lhs;
  const std::optional<double> one_fill = m.fill_rhs;
  std::map<RefLabels, RefSample> ones;
  for (const RefSample& s : (swapped ? lhs : rhs).vector) {
    if (!ones.emplace(SignatureOf(m, s.labels), s).second) return RefError("many-to-many");
  }
  std::set<RefLabels> signatures;  // of the pairs that the operator knows
  std::set<std::pair<RefLabels, RefLabels>> matched;
  RefValue out;
  const auto pair = [&](const RefSample& many_one, const RefSample& one) {
    const RefLabels signature = SignatureOf(m, many_one.labels);
    const RefSample& left = swapped ? one : many_one;
    const RefSample& right = swapped ? many_one : one;
    const auto outcome = Apply(b, left, right, left);
    if (!outcome) return;
    signatures.insert(signature);
    const RefLabels labels = MatchedLabels(b, many_one.labels, one.labels, delayed_names);
    // Also of pairs that the filter drops.
    const bool one_to_one = m.card == VectorMatching::Card::kOneToOne;
    if (!matched.emplace(signature, one_to_one ? RefLabels() : labels).second) {
      out.error = "multiple matches";
    }
    if (outcome->kept) out.vector.push_back({labels, outcome->element, b.return_bool});
  };
  // What is missing on one side is made up with the labels both sides must agree on.
  for (const RefSample& s : many) {
    const RefLabels signature = SignatureOf(m, s.labels);
    const auto one = ones.find(signature);
    if (one != ones.end()) {
      pair(s, one->second);
    } else if (one_fill) {
      pair(s, {signature, *one_fill});
    }
  }
  const std::set<RefLabels> met = signatures;
  for (const auto& [signature, s] : ones) {
    if (many_fill && !met.contains(signature)) pair({signature, *many_fill}, s);
  }
  if (!out.error.empty()) return RefError(out.error);
  return delayed_names ? out : RefChecked(std::move(out));
}

}  // namespace

RefValue ReferenceEvaluator::EvalBinary(const BinaryExpr& b, int64_t time_ms) const {
  const RefValue lhs = EvalNode(*b.lhs, time_ms);
  const RefValue rhs = EvalNode(*b.rhs, time_ms);
  if (!lhs.error.empty()) return lhs;
  if (!rhs.error.empty()) return rhs;
  if (lhs.is_scalar && rhs.is_scalar) return RefScalar(RefBinary(b.op, lhs.scalar, rhs.scalar));
  if (IsSetOperator(b.op)) return SetOperation(b, lhs, rhs);
  if (!lhs.is_scalar && !rhs.is_scalar) return Match(b, lhs, rhs, options_.delayed_names);
  RefValue out;
  for (const RefSample& s : (lhs.is_scalar ? rhs : lhs).vector) {
    const double scalar = lhs.is_scalar ? lhs.scalar : rhs.scalar;
    if (const auto kept = WithScalar(b, s, scalar, lhs.is_scalar)) out.vector.push_back(*kept);
  }
  return CheckedUnlessDelayed(std::move(out));
}

}  // namespace deucalion::testing_support
