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
  RefValue value = Eval(*c.args[0], time_ms);
  if (!value.error.empty()) return value;
  const std::string target = Text(c, 1);
  for (RefSample& s : value.vector) {
    if (c.function->id == FunctionId::kLabelJoin) {
      std::string joined;
      for (size_t i = 3; i < c.args.size(); ++i) {
        joined += (i == 3 ? "" : Text(c, 2)) + Get(s.labels, Text(c, i));
      }
      Set(&s.labels, target, joined);
      continue;
    }
    const std::string source = Get(s.labels, Text(c, 3));
    std::smatch match;
    if (!std::regex_match(source, match, std::regex(Text(c, 4)))) continue;
    Set(&s.labels, target, match.format(Text(c, 2)));
  }
  std::map<RefLabels, int> seen;
  for (const RefSample& s : value.vector) {
    if (++seen[s.labels] > 1) {
      value.error = "vector cannot contain metrics with the same labelset";
      value.vector.clear();
      break;
    }
  }
  return value;
}

RefValue ReferenceEvaluator::EvalHistogramQuantile(const Call& c, int64_t time_ms) const {
  const RefValue q = Eval(*c.args[0], time_ms);
  if (!q.error.empty()) return q;
  const RefValue value = Eval(*c.args[1], time_ms);
  if (!value.error.empty()) return value;
  std::map<RefLabels, std::map<double, double>> histograms;
  for (const RefSample& s : value.vector) {
    const std::string bound = Get(s.labels, "le");
    char* end = nullptr;
    const double upper = std::strtod(bound.c_str(), &end);
    if (bound.empty() || *end != 0) continue;
    RefLabels rest = s.labels;
    rest.erase("le");
    rest.erase("__name__");
    histograms[rest][upper] += s.value;
  }
  RefValue out;
  for (const auto& [labels, buckets] : histograms) {
    out.vector.push_back({labels, OfBuckets(q.scalar, buckets)});
  }
  return out;
}

}  // namespace deucalion::testing_support
