// Random expressions of the query language, for tests that hold for every expression.
//
// Two ranges: all of the language (printing, parsing), and the part that ReferenceEvaluator knows
// and where two right answers cannot differ (no ties, no order). The same seed gives the same
// expressions.
#ifndef DEUCALION_TESTS_SUPPORT_RANDOM_EXPR_H_
#define DEUCALION_TESTS_SUPPORT_RANDOM_EXPR_H_

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace deucalion::testing_support {

struct RandomExprOptions {
  bool evaluable = false;  // only what ReferenceEvaluator knows
  int depth = 4;
  std::vector<std::string> counters = {"requests_total", "errors_total"};
  std::vector<std::string> gauges = {"temperature", "queue_length"};
  std::string histogram = "latency_bucket";  // a classic one, with the label le
  // Native histograms, in evaluable expressions only. The first are counters all, others may be
  // gauges.
  std::vector<std::string> native;
  std::vector<std::string> infos;  // info metrics with labels of their own, likewise
  // Every metric has these labels with these values.
  std::vector<std::pair<std::string, std::vector<std::string>>> labels = {
      {"job", {"api", "db"}}, {"instance", {"a", "b", "c"}}};
};

class RandomExpr {
 public:
  explicit RandomExpr(uint64_t seed, RandomExprOptions options = {})
      : options_(std::move(options)), random_(seed) {}

  // A scalar or an instant vector.
  std::string Next();
  std::string Scalar(int depth);
  std::string Vector(int depth);
  std::string Range(int depth, bool counter);

 private:
  size_t Below(size_t n) { return static_cast<size_t>(random_() % n); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  std::string Pick(std::initializer_list<std::string_view> choices);
  std::string Number();
  // A parameter: a number, or a scalar that differs from step to step.
  std::string Parameter();
  std::string Duration();
  std::string RangeDuration();
  std::string Selector(bool counter);
  std::string Matchers();
  std::string Modifiers();
  std::string LabelList();
  std::string Aggregation(int depth);
  std::string VectorCall(int depth);
  std::string RangeCall(int depth);
  std::string Binary(int depth);
  std::string SetOperation(int depth);
  // Native histograms. `plain`: counters, as nothing but addition made them.
  std::string NativeSelector();
  std::string NativeRange(int depth, bool samples);
  std::string NativeVector(int depth, bool plain);
  std::string OfNative(int depth);
  std::string Statistic(int depth);
  std::string WithInfo(int depth);
  // Parts of the language beyond what is evaluated here.
  std::string Unusual(int depth);

  const RandomExprOptions options_;
  bool counters_only_ = false;  // of native histograms
  std::mt19937_64 random_;
};

}  // namespace deucalion::testing_support

#endif  // DEUCALION_TESTS_SUPPORT_RANDOM_EXPR_H_
