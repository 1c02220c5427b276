// The engine against the reference evaluator: random expressions over random series at random
// times. A failure prints the seed, the expression and the first point that differs.
//
// DEUCALION_DIFFERENTIAL_ROUNDS=1000 in the environment looks longer, ..._SEED elsewhere.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "model/value.h"
#include "promql/engine.h"
#include "promql/parser/parser.h"
#include "tests/support/memory_storage.h"
#include "tests/support/random_expr.h"
#include "tests/support/reference_eval.h"

namespace deucalion::promql {
namespace {

using testing_support::MemoryStorage;
using testing_support::RandomExpr;
using testing_support::RandomExprOptions;
using testing_support::ReferenceEvaluator;
using testing_support::RefLabels;
using testing_support::RefPoint;
using testing_support::RefSeries;

constexpr int64_t kScrapeMs = 15 * 1000;
constexpr int64_t kLookbackMs = 60 * 1000;  // short, so that gaps matter

// About twenty minutes of scrapes, jittered, some of them missed.
std::vector<int64_t> RandomTimes(std::mt19937_64* random) {
  std::vector<int64_t> times;
  for (int64_t i = 0; i < 80; ++i) {
    if ((*random)() % 12 == 0) continue;
    times.push_back(i * kScrapeMs + static_cast<int64_t>((*random)() % 200));
  }
  return times;
}

// Stale markers, resets, a NaN now and then.
std::vector<RefPoint> RandomPoints(std::mt19937_64* random, bool counter,
                                   const std::vector<int64_t>& times) {
  std::vector<RefPoint> points;
  const auto below = [&](uint64_t n) { return (*random)() % n; };
  double value = counter ? 0 : 20;
  for (size_t i = 0; i < times.size(); ++i) {
    const int64_t t = times[i];
    const double step = static_cast<double>(below(10000)) / 997;
    value = counter ? (below(20) == 0 ? step : value + step) : value + step - 5;
    if (below(40) == 0) {
      points.push_back({t, StaleNan()});
      // Sometimes it is back at once: its times are those of its neighbours then.
      i += below(2) * below(8);
      continue;
    }
    points.push_back({t, !counter && below(60) == 0 ? NormalNan() : value});
  }
  return points;
}

// When the counter began: now and then between two samples, seldom where it cannot have been.
void AddStarts(std::mt19937_64* random, std::vector<RefPoint>* points) {
  int64_t start = 0, previous = 0;
  for (RefPoint& p : *points) {
    const uint64_t what = (*random)() % 12;
    if (what == 0) start = previous + (p.time_ms - previous) / 2;
    if (what == 1) start = previous;
    if (what == 2) start = 0;
    p.start_ms = what == 3 ? p.time_ms + 5 : start;
    previous = p.time_ms;
  }
}

// Cumulative buckets that count together, with a reset now and then.
void AddHistogram(std::mt19937_64* random, const std::string& name, const std::string& job,
                  std::vector<RefSeries>* out) {
  const std::vector<std::string> bounds = {"0.1", "0.5", "1", "2.5", "+Inf"};
  std::vector<double> counts(bounds.size());
  const size_t first = out->size();
  for (const std::string& le : bounds) {
    out->push_back({{{"__name__", name}, {"job", job}, {"le", le}}, {}});
  }
  for (int64_t t = 0; t < 80 * kScrapeMs; t += kScrapeMs) {
    if ((*random)() % 25 == 0) counts.assign(bounds.size(), 0);
    for (uint64_t n = (*random)() % 4; n > 0; --n) {
      for (size_t i = (*random)() % bounds.size(); i < bounds.size(); ++i) counts[i] += 1;
    }
    if ((*random)() % 15 == 0) continue;
    for (size_t i = 0; i < bounds.size(); ++i) {
      (*out)[first + i].points.push_back({t, counts[i]});
    }
  }
}

std::vector<RefSeries> RandomSeries(std::mt19937_64* random, const RandomExprOptions& names) {
  std::vector<RefSeries> out;
  // Half of the series are of one scrape, as most series of a server are.
  const std::vector<int64_t> shared = RandomTimes(random);
  const auto add = [&](const std::string& name, bool counter) {
    for (const std::string& job : names.labels[0].second) {
      for (const std::string& instance : names.labels[1].second) {
        if ((*random)() % 8 == 0) continue;
        out.push_back(
            {{{"__name__", name}, {"job", job}, {"instance", instance}},
             RandomPoints(random, counter, (*random)() % 2 == 0 ? shared : RandomTimes(random))});
        if (counter) AddStarts(random, &out.back().points);
      }
    }
  };
  for (const std::string& name : names.counters) add(name, true);
  for (const std::string& name : names.gauges) add(name, false);
  for (const std::string& job : names.labels[0].second) {
    AddHistogram(random, names.histogram, job, &out);
  }
  return out;
}

Labels ToLabels(const RefLabels& labels) {
  LabelsBuilder builder;
  for (const auto& [name, value] : labels) builder.Set(name, value);
  return builder.Build();
}

void Fill(const std::vector<RefSeries>& series, MemoryStorage* storage) {
  for (const RefSeries& s : series) {
    for (const RefPoint& p : s.points) {
      ASSERT_TRUE(storage->Append(ToLabels(s.labels), p.time_ms, p.value, p.start_ms).ok());
    }
  }
}

bool Close(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::abs(a - b) <= 1e-6 * std::max({1.0, std::abs(a), std::abs(b)});
}

using Points = std::map<std::string, std::map<int64_t, double>>;  // by labels and time

std::string FirstDifference(const Points& want, const Points& got) {
  const auto text = [](const Points& points, const std::string& labels, int64_t t) {
    const auto series = points.find(labels);
    if (series == points.end() || !series->second.contains(t)) return std::string("nothing");
    return FormatFloatG(series->second.at(t));
  };
  for (const Points* side : {&want, &got}) {
    for (const auto& [labels, points] : *side) {
      for (const auto& [t, value] : points) {
        const std::string a = text(want, labels, t);
        const std::string b = text(got, labels, t);
        const bool both = a != "nothing" && b != "nothing";
        if (both && Close(want.at(labels).at(t), got.at(labels).at(t))) continue;
        return labels + " at " + std::to_string(t) + ": want " + a + ", got " + b;
      }
    }
  }
  return "";
}

struct Steps {
  int64_t start_ms = 0, end_ms = 0, step_ms = 0;
};

// The reference at every step. False when it fails at one of them.
bool WantedPoints(const ReferenceEvaluator& reference, const Expr& e, const Steps& steps,
                  Points* out, std::string* error) {
  for (int64_t t = steps.start_ms; t <= steps.end_ms; t += steps.step_ms) {
    const testing_support::RefValue value = reference.Eval(e, t);
    if (!value.error.empty()) {
      *error = value.error;
      return false;
    }
    if (value.is_scalar) (*out)["{}"][t] = value.scalar;
    for (const auto& s : value.vector) (*out)[ToLabels(s.labels).ToString()][t] = s.value;
  }
  return true;
}

Points PointsOf(const Value& value, int64_t time_ms) {
  Points out;
  if (const auto* scalar = std::get_if<Scalar>(&value)) out["{}"][time_ms] = scalar->value;
  if (const auto* vector = std::get_if<Vector>(&value)) {
    for (const VectorSample& s : *vector) out[s.labels.ToString()][time_ms] = s.value;
  }
  if (const auto* matrix = std::get_if<Matrix>(&value)) {
    for (const MatrixSeries& s : *matrix) {
      for (size_t i = 0; i < s.times.size(); ++i) {
        out[s.labels.ToString()][s.times[i]] = s.values[i];
      }
    }
  }
  return out;
}

// predict_linear over a range fixed by @: the engine moves the window with the steps of whatever
// grid is around it (docs/decisions/answers-of-2.42.md), which the reference does not know.
bool MovesAFixedWindow(const Expr& e) {
  bool found = false;
  if (const auto* call = TryAs<Call>(e);
      call != nullptr && call->function->id == FunctionId::kPredictLinear) {
    const auto* range = TryAs<MatrixSelector>(StripParens(*call->args[0]));
    found = range != nullptr && range->vector().at.kind != AtModifier::Kind::kNone;
  }
  ForEachChild(e, [&found](const Expr& child) { found = found || MovesAFixedWindow(child); });
  return found;
}

void ExpectSame(const QueryResult& result, bool want_ok, const std::string& want_error,
                const Points& want, int64_t time_ms, const std::string& where) {
  ASSERT_EQ(result.status.ok(), want_ok)
      << where << "\nreference: " << want_error << "\nengine: " << result.status.message();
  if (want_ok) {
    ASSERT_EQ(FirstDifference(want, PointsOf(result.value, time_ms)), "") << where;
  }
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(DifferentialTest, EngineAgreesWithTheReference) {
  const uint64_t kSeed = FromEnvironment("DEUCALION_DIFFERENTIAL_SEED", 314);
  const uint64_t kRounds = FromEnvironment("DEUCALION_DIFFERENTIAL_ROUNDS", 10);
  constexpr int kExpressions = 150;
  EngineOptions options;
  options.lookback_delta_ms = kLookbackMs;
  options.experimental_functions = true;
  options.extended_range_selectors = true;
  options.binop_fill_modifiers = true;
  Engine without_starts(options);
  options.use_start_timestamps = true;
  Engine with_starts(options);
  uint64_t compared = 0;
  for (uint64_t round = 0; round < kRounds; ++round) {
    const bool starts = round % 2 == 1;
    Engine& engine = starts ? with_starts : without_starts;
    std::mt19937_64 random(kSeed + round);
    RandomExprOptions names;
    names.evaluable = true;
    RandomExpr expressions(kSeed + round, names);
    const std::vector<RefSeries> series = RandomSeries(&random, names);
    MemoryStorage storage;
    Fill(series, &storage);
    for (int i = 0; i < kExpressions; ++i) {
      const std::string text = expressions.Next();
      Result<ParsedExpr> parsed = Parse(text, ParserOptions::AllEnabled());
      ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
      if (MovesAFixedWindow(*parsed->root)) continue;
      Steps steps;
      steps.start_ms = static_cast<int64_t>(random() % 900) * 1000;
      steps.step_ms = 7000 + static_cast<int64_t>(random() % 90) * 1000;
      steps.end_ms = steps.start_ms + static_cast<int64_t>(random() % 8) * steps.step_ms;
      const std::string where = "seed " + std::to_string(kSeed + round) + ": " + text + "\nfrom " +
                                std::to_string(steps.start_ms) + " to " +
                                std::to_string(steps.end_ms) + " step " +
                                std::to_string(steps.step_ms);
      for (const bool instant : {false, true}) {
        if (instant) steps.end_ms = steps.start_ms;
        ReferenceEvaluator::Options reference_options;
        reference_options.lookback_ms = kLookbackMs;
        reference_options.start_ms = steps.start_ms;
        reference_options.end_ms = steps.end_ms;
        reference_options.step_ms = instant ? 0 : steps.step_ms;
        reference_options.start_timestamps = starts;
        const ReferenceEvaluator reference(&series, reference_options);
        Points want;
        std::string error;
        const bool ok = WantedPoints(reference, *parsed->root, steps, &want, &error);
        const QueryResult result =
            instant ? engine.Instant(storage, text, steps.start_ms)
                    : engine.Range(storage, text, steps.start_ms, steps.end_ms, steps.step_ms);
        // A range query evaluates subqueries between its windows too, and may fail there.
        const bool subquery = text.find(':') != std::string::npos;
        if (ok && !instant && subquery && !result.status.ok()) continue;
        ExpectSame(result, ok, error, want, steps.start_ms, where);
        if (HasFatalFailure()) return;
        compared += ok && !want.empty() ? 1 : 0;
      }
    }
  }
  // Most expressions have a result to compare.
  EXPECT_GT(compared, kRounds * kExpressions / 2);
}

}  // namespace
}  // namespace deucalion::promql
