// Label functions and classic histograms in the reference evaluator.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <regex>

#include "tests/support/reference_eval.h"

namespace deucalion::testing_support {

using namespace promql;  // NOLINT: the tree's names

namespace {

const double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

std::string Text(const Call& c, size_t arg) {
  return As<StringLiteral>(StripParens(*c.args[arg])).value;
}

std::string Get(const RefLabels& labels, const std::string& name) {
  const auto it = labels.find(name);
  return it == labels.end() ? "" : it->second;
}

void Set(RefLabels* labels, const std::string& name, const std::string& value) {
  if (value.empty()) {
    labels->erase(name);
  } else {
    (*labels)[name] = value;
  }
}

// Counts are cumulative; `buckets` by upper bound.
double OfBuckets(double q, const std::map<double, double>& buckets) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (buckets.size() < 2 || buckets.rbegin()->first != kInf) return kNan;
  std::vector<std::pair<double, double>> rising(buckets.begin(), buckets.end());
  for (size_t i = 1; i < rising.size(); ++i) {
    rising[i].second = std::max(rising[i].second, rising[i - 1].second);
  }
  const double total = rising.back().second;
  if (total == 0) return kNan;
  const double rank = q * total;
  size_t i = 0;
  while (i + 1 < rising.size() && rising[i].second < rank) ++i;
  if (i + 1 == rising.size()) return rising[i - 1].first;
  if (i == 0 && rising[0].first <= 0) return rising[0].first;
  const double lower = i == 0 ? 0 : rising[i - 1].first;
  const double below = i == 0 ? 0 : rising[i - 1].second;
  return lower + (rising[i].first - lower) * ((rank - below) / (rising[i].second - below));
}

}  // namespace

RefValue ReferenceEvaluator::EvalLabelCall(const Call& c, int64_t time_ms) const {
  RefValue value = EvalNode(*c.args[0], time_ms);
  if (!value.error.empty()) return value;
  const std::string target = Text(c, 1);
  for (RefSample& s : value.vector) {
    if (c.function->id == FunctionId::kLabelJoin) {
      std::string joined;
      for (size_t i = 3; i < c.args.size(); ++i) {
        joined += (i == 3 ? "" : Text(c, 2)) + Get(s.labels, Text(c, i));
      }
      Set(&s.labels, target, joined);
      if (target == "__name__") s.drop_name = false;
      continue;
    }
    const std::string source = Get(s.labels, Text(c, 3));
    std::smatch match;
    if (!std::regex_match(source, match, std::regex(Text(c, 4)))) continue;
    Set(&s.labels, target, match.format(Text(c, 2)));
    if (target == "__name__") s.drop_name = false;
  }
  return CheckedUnlessDelayed(std::move(value));
}

namespace {

double FractionOfBuckets(double lower, double upper, const std::map<double, double>& buckets) {
  if (buckets.rbegin()->first != kInf) return kNan;
  const double total = buckets.rbegin()->second;
  if (total == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const auto below = [&](double value) {
    double start = buckets.begin()->first > 0 ? 0 : -kInf, counted = 0;
    for (const auto& [end, count] : buckets) {
      if (value <= start) return counted;
      if (value < end) {
        if (std::isinf(start)) return count;
        return std::isinf(end) ? counted
                               : counted + (count - counted) * (value - start) / (end - start);
      }
      start = end;
      counted = count;
    }
    return counted;
  };
  return (std::min(below(upper), total) - std::min(below(lower), total)) / total;
}

// As OpenMetrics writes it.
std::string QuantileText(double q) {
  if (q == std::floor(q)) return std::to_string(static_cast<int>(q)) + ".0";
  std::string text = std::to_string(q);
  while (text.back() == '0') text.pop_back();
  return text;
}

}  // namespace

// histogram_quantile, histogram_quantiles and histogram_fraction: of native histograms, and of
// classic ones whose buckets have the label le.
RefValue ReferenceEvaluator::EvalHistogramQuantile(const Call& c, int64_t time_ms) const {
  const bool fraction = c.function->id == FunctionId::kHistogramFraction;
  std::vector<double> params;
  std::string label;
  RefValue value;
  for (size_t i = 0; i < c.args.size(); ++i) {
    if (c.args[i]->Type() == ValueType::kString) {
      label = Text(c, i);
      continue;
    }
    RefValue arg = EvalNode(*c.args[i], time_ms);
    if (!arg.error.empty()) return arg;
    if (arg.is_scalar) {
      params.push_back(arg.scalar);
    } else {
      value = std::move(arg);
    }
  }
  std::map<RefLabels, std::map<double, double>> classic;
  std::vector<std::pair<RefLabels, RefHistogramPtr>> native;
  for (const RefSample& s : value.vector) {
    RefLabels rest = Nameless(s.labels, 0).labels;
    if (s.histogram) {
      native.emplace_back(rest, s.histogram);
      continue;
    }
    const std::string bound = Get(s.labels, "le");
    char* end = nullptr;
    const double upper = std::strtod(bound.c_str(), &end);
    if (bound.empty() || *end != 0) continue;
    rest.erase("le");
    classic[rest][upper] += s.value;
  }
  RefValue out;
  const auto add = [&](RefLabels labels, double q, double result) {
    if (!label.empty()) labels[label] = QuantileText(q);
    out.vector.push_back(Nameless(std::move(labels), result));
  };
  for (size_t i = 0; i < (fraction ? 1 : params.size()); ++i) {
    const double q = params[i];
    for (const auto& [labels, h] : native) {
      add(labels, q,
          fraction ? RefHistogramFraction(*h, q, params[1]) : RefHistogramQuantile(*h, q));
    }
    for (const auto& [labels, buckets] : classic) {
      add(labels, q, fraction ? FractionOfBuckets(q, params[1], buckets) : OfBuckets(q, buckets));
    }
  }
  return CheckedUnlessDelayed(std::move(out));
}

}  // namespace deucalion::testing_support
