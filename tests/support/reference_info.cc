// info() in the reference evaluator: labels of info metrics added to the series that have the same
// `instance` and `job`.
#include <algorithm>
#include <set>

#include "tests/support/reference_eval.h"

namespace deucalion::testing_support {

using namespace promql;  // NOLINT: the tree's names

namespace {

const char* const kName = "__name__";
const char* const kIdentity[] = {"instance", "job"};

std::string Get(const RefLabels& labels, const std::string& name) {
  const auto it = labels.find(name);
  return it == labels.end() ? "" : it->second;
}

bool MatchAll(const std::vector<Matcher>& matchers, const RefLabels& labels) {
  return std::ranges::all_of(matchers,
                             [&](const Matcher& m) { return m.Matches(Get(labels, m.name())); });
}

// What the second argument asks for: of which info metrics, and of which of their labels.
struct Wanted {
  std::vector<Matcher> names, data;
};

Wanted WantedOf(const Call& c) {
  Wanted out;
  if (c.args.size() > 1) {
    for (const Matcher& m : As<VectorSelector>(StripParens(*c.args[1])).matchers) {
      (m.name() == kName ? out.names : out.data).push_back(m);
    }
  }
  const auto excludes = [](const Matcher& m) {
    return m.type() == MatchType::kNotEqual || m.type() == MatchType::kNotRegexp;
  };
  if (!out.names.empty() && std::ranges::all_of(out.names, excludes)) {
    out.names.push_back(Matcher::Make(MatchType::kRegexp, kName, ".+_info").value());
  }
  return out;
}

// The same identity, of which the parts that nobody has among the `values` do not count.
bool Belongs(const RefLabels& base, const RefLabels& info,
             const std::map<std::string, std::set<std::string>>& values) {
  return std::ranges::all_of(kIdentity, [&](const std::string& name) {
    const auto known = values.find(name);
    const bool reached = known == values.end() || known->second.contains(Get(info, name));
    return reached && Get(base, name) == Get(info, name);
  });
}

}  // namespace

// When the first selector in the order of the text is evaluated.
std::optional<int64_t> ReferenceEvaluator::TimeOfSelector(const Expr& e, int64_t time_ms) const {
  if (const auto* v = TryAs<VectorSelector>(e)) return ShiftedTime(v->at, v->offset, time_ms);
  if (const auto* s = TryAs<SubqueryExpr>(e)) time_ms = ShiftedTime(s->at, s->offset, time_ms);
  std::optional<int64_t> found;
  ForEachChild(e, [&](const Expr& child) {
    if (!found) found = TimeOfSelector(child, time_ms);
  });
  return found;
}

RefValue ReferenceEvaluator::EvalInfo(const Call& c, int64_t time_ms) const {
  RefValue base = EvalNode(*c.args[0], time_ms);
  if (!base.error.empty()) return base;
  Wanted wanted = WantedOf(c);
  // Without a name in the second argument, target_info is not told apart from other series.
  if (c.args.size() < 2) wanted.names = {Matcher::Equal(kName, "target_info")};
  const auto is_info = [&](const RefSample& s) {
    return !wanted.names.empty() && MatchAll(wanted.names, s.labels);
  };
  std::vector<Matcher> names = wanted.names;
  if (names.empty()) names = {Matcher::Equal(kName, "target_info")};
  std::map<std::string, std::set<std::string>> values;
  for (const RefSample& s : base.vector) {
    if (is_info(s)) continue;
    for (const std::string name : kIdentity) {
      const std::string value = Get(s.labels, name);
      if (!value.empty()) values[name].insert(value);
    }
  }
  const int64_t at_ms = TimeOfSelector(*c.args[0], time_ms).value_or(time_ms);
  const bool required =
      std::ranges::any_of(wanted.data, [](const Matcher& m) { return !m.Matches(""); });
  RefValue out;
  for (const RefSample& s : base.vector) {
    if (is_info(s)) {
      out.vector.push_back(s);
      continue;
    }
    // The newest series of each info metric.
    std::map<std::string, std::pair<int64_t, RefLabels>> newest;
    for (const RefSeries& info : *series_) {
      if (values.empty() || !MatchAll(names, info.labels) || !MatchAll(wanted.data, info.labels) ||
          !Belongs(s.labels, info.labels, values)) {
        continue;
      }
      const std::optional<RefPoint> sample = NewestPoint(info, at_ms);
      if (!sample) continue;
      const auto found = newest.find(Get(info.labels, kName));
      if (found == newest.end() || found->second.first < sample->time_ms) {
        newest[Get(info.labels, kName)] = {sample->time_ms, info.labels};
      } else if (found->second.first == sample->time_ms) {
        out.error = "found duplicate series for info metric";
      }
    }
    if (newest.empty() && required) continue;
    RefLabels labels = s.labels;
    RefLabels added;
    for (const auto& [metric, info] : newest) {
      for (const auto& [name, value] : info.second) {
        const bool asked =
            wanted.data.empty() || std::ranges::any_of(wanted.data, [&n = name](const Matcher& m) {
              return m.name() == n;
            });
        if (name == kName || !asked || s.labels.contains(name)) continue;
        if (added.contains(name) && added[name] != value) out.error = "conflicting label";
        added[name] = value;
      }
    }
    labels.insert(added.begin(), added.end());
    out.vector.push_back({labels, s, s.drop_name});
  }
  if (!out.error.empty()) out.vector.clear();
  return out;
}

}  // namespace deucalion::testing_support
