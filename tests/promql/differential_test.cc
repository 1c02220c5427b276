// The engine against the reference evaluator: random expressions over random series at random
// times. A failure prints the seed, the expression and the first point that differs.
//
// DEUCALION_DIFFERENTIAL_TIMES=50 in the environment looks longer, ..._SEED elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/worker_pool.h"
#include "model/value.h"
#include "promql/engine.h"
#include "promql/parser/parser.h"
#include "promql/printer.h"
#include "promql/result_cache.h"
#include "tests/support/memory_storage.h"
#include "tests/support/random_expr.h"
#include "tests/support/random_series.h"
#include "tests/support/reference_eval.h"

namespace deucalion::promql {
namespace {

using testing_support::MemoryStorage;
using testing_support::RandomExpr;
using testing_support::RandomExprOptions;
using testing_support::RefElement;
using testing_support::ReferenceEvaluator;
using testing_support::RefHint;
using testing_support::RefHistogram;
using testing_support::RefLabels;
using testing_support::RefPoint;
using testing_support::RefSeries;

constexpr int64_t kLookbackMs = 60 * 1000;  // short, so that gaps matter

Labels ToLabels(const RefLabels& labels) {
  LabelsBuilder builder;
  for (const auto& [name, value] : labels) builder.Set(name, value);
  return builder.Build();
}

void Encode(const std::map<int, double>& from, std::vector<BucketSpan>* spans,
            std::vector<double>* buckets) {
  int next = 0;
  for (const auto& [index, count] : from) {
    if (spans->empty() || index != next) spans->push_back({index - next, 0});
    ++spans->back().length;
    buckets->push_back(count);
    next = index + 1;
  }
}

std::map<int, double> Decode(const std::vector<BucketSpan>& spans,
                             const std::vector<double>& buckets) {
  std::map<int, double> out;
  int index = 0;
  size_t i = 0;
  for (const BucketSpan& span : spans) {
    index += span.offset;
    for (uint32_t n = 0; n < span.length; ++n) out[index++] = buckets[i++];
  }
  return out;
}

FloatHistogram ToFloat(const RefHistogram& h) {
  FloatHistogram out;
  out.reset_hint = static_cast<ResetHint>(h.hint);
  out.schema = h.custom ? kCustomBucketsSchema : h.schema;
  out.zero_threshold = h.zero_threshold;
  out.zero_count = h.zero_count;
  out.count = h.count;
  out.sum = h.sum;
  Encode(h.positive, &out.positive_spans, &out.positive_buckets);
  Encode(h.negative, &out.negative_spans, &out.negative_buckets);
  out.custom_values = h.bounds;
  return out;
}

RefHistogram FromFloat(const FloatHistogram& h) {
  RefHistogram out;
  out.hint = static_cast<RefHint>(h.reset_hint);
  out.custom = h.UsesCustomBuckets();
  out.schema = out.custom ? 0 : h.schema;
  out.zero_threshold = h.zero_threshold;
  out.zero_count = h.zero_count;
  out.count = h.count;
  out.sum = h.sum;
  out.positive = Decode(h.positive_spans, h.positive_buckets);
  out.negative = Decode(h.negative_spans, h.negative_buckets);
  out.bounds = h.custom_values;
  return out;
}

// Appends everything, and takes over what storage says of counter resets when it is read.
void Fill(std::vector<RefSeries>* series, MemoryStorage* storage) {
  for (RefSeries& s : *series) {
    const Labels labels = ToLabels(s.labels);
    for (const RefPoint& p : s.points) {
      const Status status = p.histogram ? storage->AppendHistogram(
                                              labels, p.time_ms, ToFloat(*p.histogram), p.start_ms)
                                        : storage->Append(labels, p.time_ms, p.value, p.start_ms);
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
    std::vector<Matcher> matchers;
    for (const auto& [name, value] : s.labels) matchers.push_back(Matcher::Equal(name, value));
    auto querier = storage->NewQuerier(kMinTimeMs, kMaxTimeMs);
    ASSERT_TRUE(querier.ok());
    auto set = (*querier)->Select(true, {}, matchers, nullptr);
    ASSERT_TRUE(set.ok());
    if ((*set)->size() == 0) continue;  // without points
    SampleColumns columns;
    ASSERT_TRUE((*set)->Read(0, kMinTimeMs, kMaxTimeMs, &columns).ok());
    size_t next = 0;
    for (RefPoint& p : s.points) {
      if (!p.histogram) continue;
      RefHistogram h = *p.histogram;
      h.hint = static_cast<RefHint>(columns.histograms[next++].histogram.reset_hint);
      p = RefPoint(p.time_ms, std::move(h), p.start_ms);
    }
  }
}

bool Close(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::abs(a - b) <= 1e-6 * std::max({1.0, std::abs(a), std::abs(b)});
}

bool CloseBuckets(const std::map<int, double>& a, const std::map<int, double>& b) {
  const auto in = [](const auto& from, const auto& other) {
    return std::ranges::all_of(from, [&](const auto& bucket) {
      const auto it = other.find(bucket.first);
      return Close(bucket.second, it == other.end() ? 0 : it->second);
    });
  };
  return in(a, b) && in(b, a);
}

bool Close(const RefElement& a, const RefElement& b) {
  if (!a.histogram || !b.histogram) return !a.histogram && !b.histogram && Close(a.value, b.value);
  const RefHistogram &x = *a.histogram, &y = *b.histogram;
  return x.hint == y.hint && x.custom == y.custom && x.schema == y.schema && x.bounds == y.bounds &&
         Close(x.zero_threshold, y.zero_threshold) && Close(x.zero_count, y.zero_count) &&
         Close(x.count, y.count) && Close(x.sum, y.sum) && CloseBuckets(x.positive, y.positive) &&
         CloseBuckets(x.negative, y.negative);
}

std::string Text(const RefElement& e) {
  return e.histogram ? ToFloat(*e.histogram).TestExpression() : FormatFloatG(e.value);
}

using Points = std::map<std::string, std::map<int64_t, RefElement>>;  // by labels and time

std::string FirstDifference(const Points& want, const Points& got) {
  const auto find = [](const Points& points, const std::string& labels, int64_t t) {
    const auto series = points.find(labels);
    if (series == points.end() || !series->second.contains(t)) return std::optional<RefElement>();
    return std::optional(series->second.at(t));
  };
  for (const Points* side : {&want, &got}) {
    for (const auto& [labels, points] : *side) {
      for (const auto& [t, value] : points) {
        const auto a = find(want, labels, t);
        const auto b = find(got, labels, t);
        if (a && b && Close(*a, *b)) continue;
        return labels + " at " + std::to_string(t) + ": want " + (a ? Text(*a) : "nothing") +
               ", got " + (b ? Text(*b) : "nothing");
      }
    }
  }
  return "";
}

// All of it is settled, so that every result may be kept.
class StableStorage : public MemoryStorage {
 public:
  int64_t StableHorizonMs() const override { return kMaxTimeMs / 2; }
  uint64_t Generation(int64_t, int64_t) const override { return 1; }
};

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
    for (const auto& s : value.vector) (*out)[ToLabels(s.labels).ToString()][t] = s;
  }
  return true;
}

Points PointsOf(const Value& value, int64_t time_ms) {
  Points out;
  if (const auto* scalar = std::get_if<Scalar>(&value)) out["{}"][time_ms] = scalar->value;
  if (const auto* vector = std::get_if<Vector>(&value)) {
    for (const VectorSample& s : *vector) {
      RefElement& e = out[s.labels.ToString()][time_ms];
      e = s.histogram ? RefElement(FromFloat(*s.histogram)) : RefElement(s.value);
    }
  }
  if (const auto* matrix = std::get_if<Matrix>(&value)) {
    for (const MatrixSeries& s : *matrix) {
      for (size_t i = 0; i < s.times.size(); ++i) {
        out[s.labels.ToString()][s.times[i]] = s.values[i];
      }
      for (const MatrixHistogram& h : s.histograms) {
        out[s.labels.ToString()][h.time_ms] = FromFloat(*h.histogram);
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

// An aggregation of what @ fixes is evaluated once, its parameter too, as it is at the first step.
bool FixesAParameter(const Expr& e) {
  const auto* aggregate = TryAs<AggregateExpr>(e);
  bool found = aggregate != nullptr && aggregate->param &&
               aggregate->param->kind() != ExprKind::kNumberLiteral &&
               Print(*aggregate->expr).find('@') != std::string::npos;
  ForEachChild(e, [&found](const Expr& child) { found = found || FixesAParameter(child); });
  return found;
}

// `or`: a series may have its name to drop at some steps and not at others. Both take what they see
// first for all steps, which the reference, step by step, does not.
bool MixesNames(const Expr& e) {
  const auto* binary = TryAs<BinaryExpr>(e);
  bool found = binary != nullptr && binary->op == BinaryOp::kOr;
  ForEachChild(e, [&found](const Expr& child) { found = found || MixesNames(child); });
  return found;
}

bool ExpectSame(const QueryResult& result, bool want_ok, const std::string& want_error,
                const Points& want, int64_t time_ms, const std::string& where) {
  EXPECT_EQ(result.status.ok(), want_ok)
      << where << "\nreference: " << want_error << "\nengine: " << result.status.message();
  if (!want_ok || !result.status.ok()) return want_ok == result.status.ok();
  const std::string difference = FirstDifference(want, PointsOf(result.value, time_ms));
  EXPECT_EQ(difference, "") << where;
  return difference.empty();
}

bool IsSameLabels(std::string_view error) {
  return error == "vector cannot contain metrics with the same labelset";
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

RandomExprOptions FewSeries() {
  RandomExprOptions names;
  names.evaluable = true;
  names.native = {"request_seconds", "payload_bytes"};
  names.infos = {"target_info", "build_info"};
  return names;
}

// More than the engine works on at a time, so that parts of aggregations are merged.
RandomExprOptions ManySeries() {
  RandomExprOptions names = FewSeries();
  names.depth = 2;
  names.labels[1].second.clear();
  for (int i = 0; i < 170; ++i) names.labels[1].second.push_back("i" + std::to_string(i));
  return names;
}

EngineOptions OptionsOfRound(uint64_t round) {
  EngineOptions options;
  options.lookback_delta_ms = kLookbackMs;
  options.experimental_functions = true;
  options.extended_range_selectors = true;
  options.binop_fill_modifiers = true;
  options.use_start_timestamps = round % 2 == 1;
  options.delayed_name_removal = round / 2 % 2 == 1;
  return options;
}

// Random series, and an engine with a result cache and one without over them.
class Comparison {
 public:
  Comparison(uint64_t seed, const RandomExprOptions& names, EngineOptions options)
      : seed_(seed), random_(seed), expressions_(seed, names), engine_(options) {
    options.result_cache_bytes = 64 << 20;
    cached_ = std::make_unique<Engine>(options);
    series_ = testing_support::RandomSeries(&random_, names);
    Fill(&series_, &storage_);
  }

  // One expression as a range and as an instant query.
  void Next() {
    const std::string text = expressions_.Next();
    Result<ParsedExpr> parsed = Parse(text, ParserOptions::AllEnabled());
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
    Steps steps;
    steps.start_ms = static_cast<int64_t>(random_() % 900) * 1000;
    steps.step_ms = 7000 + static_cast<int64_t>(random_() % 90) * 1000;
    steps.end_ms = steps.start_ms + static_cast<int64_t>(random_() % 8) * steps.step_ms;
    const bool delayed = engine_.options().delayed_name_removal;
    if (MovesAFixedWindow(*parsed->root) || FixesAParameter(*parsed->root)) return;
    if (delayed && MixesNames(*parsed->root)) return;
    Compare(text, *parsed->root, steps, /*instant=*/false);
    steps.end_ms = steps.start_ms;
    Compare(text, *parsed->root, steps, /*instant=*/true);
  }

  uint64_t compared = 0, cached_steps = 0;
  int failures = 0;

 private:
  void Compare(const std::string& text, const Expr& root, const Steps& steps, bool instant) {
    const std::string where = "seed " + std::to_string(seed_) + ": " + text + "\nfrom " +
                              std::to_string(steps.start_ms) + " to " +
                              std::to_string(steps.end_ms) + " step " +
                              std::to_string(steps.step_ms) + (instant ? ", instant" : "");
    ReferenceEvaluator::Options options;
    options.lookback_ms = kLookbackMs;
    options.start_ms = steps.start_ms;
    options.end_ms = steps.end_ms;
    options.step_ms = instant ? 0 : steps.step_ms;
    options.start_timestamps = engine_.options().use_start_timestamps;
    options.delayed_names = engine_.options().delayed_name_removal;
    const ReferenceEvaluator reference(&series_, options);
    Points want;
    std::string error;
    const bool ok = WantedPoints(reference, root, steps, &want, &error);
    const QueryResult result =
        instant ? engine_.Instant(storage_, text, steps.start_ms)
                : engine_.Range(storage_, text, steps.start_ms, steps.end_ms, steps.step_ms);
    if (MayFail(text, instant, ok, error, result.status)) return;
    if (!ExpectSame(result, ok, error, want, steps.start_ms, where)) ++failures;
    compared += ok && !want.empty() ? 1 : 0;
    if (instant || !ok || !result.status.ok() || !IsCacheable(root)) return;
    // Asked before for the first half, and from a step earlier.
    const int64_t half_ms = (steps.end_ms - steps.start_ms) / 2;
    (void)cached_->Range(storage_, text, steps.start_ms - steps.step_ms, steps.start_ms + half_ms,
                         steps.step_ms);
    const QueryResult again =
        cached_->Range(storage_, text, steps.start_ms, steps.end_ms, steps.step_ms);
    cached_steps += again.stats.cached_steps;
    if (!ExpectSame(again, ok, error, want, 0, "from the cache: " + where)) ++failures;
  }

  // Whether the engine may say that it cannot where the reference can.
  bool MayFail(const std::string& text, bool instant, bool ok, const std::string& error,
               const Status& status) const {
    // A range query evaluates subqueries between its windows too, and may fail there.
    const bool subquery = text.find(':') != std::string::npos;
    if (ok && !instant && subquery && !status.ok()) return true;
    // Range functions refuse series that are alike without their names even where they never have
    // samples at the same step.
    if (ok && (subquery || !instant) && IsSameLabels(status.message())) return true;
    // Whether the same labels may be there twice before the names are dropped depends on where.
    return engine_.options().delayed_name_removal && ok != status.ok() &&
           (IsSameLabels(error) || IsSameLabels(status.message()));
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  RandomExpr expressions_;
  Engine engine_;
  std::unique_ptr<Engine> cached_;
  std::vector<RefSeries> series_;
  StableStorage storage_;
};

class DifferentialTest : public testing::Test {
 protected:
  void Run(uint64_t rounds, int expressions, const RandomExprOptions& names, WorkerPool* pool) {
    const uint64_t seed = FromEnvironment("DEUCALION_DIFFERENTIAL_SEED", 314);
    rounds *= FromEnvironment("DEUCALION_DIFFERENTIAL_TIMES", 1);
    uint64_t compared = 0, cached_steps = 0;
    int failures = 0;
    constexpr int kEnough = 20;  // those of one cause come together
    for (uint64_t round = 0; round < rounds && failures < kEnough; ++round) {
      EngineOptions options = OptionsOfRound(round);
      options.pool = pool;
      Comparison comparison(seed + round, names, options);
      for (int i = 0; i < expressions && !HasFatalFailure(); ++i) comparison.Next();
      compared += comparison.compared;
      cached_steps += comparison.cached_steps;
      failures += comparison.failures;
    }
    RecordProperty("answers", std::to_string(compared));
    RecordProperty("cached_steps", std::to_string(cached_steps));
    // Most expressions have a result to compare.
    EXPECT_GT(compared, rounds * static_cast<uint64_t>(expressions) / 2);
    EXPECT_GT(cached_steps, rounds * static_cast<uint64_t>(expressions) / 2);
  }
};

TEST_F(DifferentialTest, EngineAgreesWithTheReference) { Run(24, 150, FewSeries(), nullptr); }

TEST_F(DifferentialTest, EngineAgreesOverManySeriesInParts) {
  WorkerPool pool("query", 2);
  Run(4, 12, ManySeries(), &pool);
}

}  // namespace
}  // namespace deucalion::promql
