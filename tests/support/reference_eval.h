// ReferenceEvaluator: the query language once more, written to be obviously right.
//
// One expression at one time, from a list of series; nothing is shared between steps, nothing is
// fast. It shares the syntax tree with the engine and nothing else. Where the two differ,
// Prometheus decides which is wrong. Not here: annotations, count_values() of
// histograms.
#ifndef DEUCALION_TESTS_SUPPORT_REFERENCE_EVAL_H_
#define DEUCALION_TESTS_SUPPORT_REFERENCE_EVAL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "promql/ast.h"
#include "tests/support/reference_histogram.h"

namespace deucalion::testing_support {

using RefLabels = std::map<std::string, std::string>;

// A number, or a histogram.
struct RefElement {
  RefElement(double v = 0) : value(v) {}  // NOLINT: implicit by intent
  RefElement(RefHistogram h)              // NOLINT: implicit by intent
      : histogram(std::make_shared<const RefHistogram>(std::move(h))) {}

  double value = 0;
  RefHistogramPtr histogram;
};

struct RefPoint : RefElement {
  RefPoint() = default;
  RefPoint(int64_t at_ms, RefElement element, int64_t began_ms = 0)
      : RefElement(std::move(element)), time_ms(at_ms), start_ms(began_ms) {}

  int64_t time_ms = 0;
  int64_t start_ms = 0;  // when a counter began, 0 = not known
};

struct RefSeries {
  RefLabels labels;
  std::vector<RefPoint> points;  // in time order; stale markers among them
  bool drop_name = false;        // of results: the name goes in the end
};

struct RefSample : RefElement {
  RefSample() = default;
  RefSample(RefLabels l, RefElement element, bool drop = false)
      : RefElement(std::move(element)), labels(std::move(l)), drop_name(drop) {}

  RefLabels labels;
  bool drop_name = false;  // the name goes in the end
};

// A scalar or an instant vector, or why there is none.
struct RefValue {
  std::string error;
  bool is_scalar = false;
  double scalar = 0;
  std::vector<RefSample> vector;
};

RefLabels RefWithoutName(RefLabels labels);
RefLabels RefKeep(const RefLabels& labels, const std::vector<std::string>& names);
RefLabels RefDrop(RefLabels labels, const std::vector<std::string>& names);
RefValue RefError(std::string message);
RefValue RefScalar(double v);
// A result must not hold the same labels twice.
RefValue RefChecked(RefValue value);

class ReferenceEvaluator {
 public:
  struct Options {
    int64_t lookback_ms = 5 * 60 * 1000;
    int64_t subquery_step_ms = 60 * 1000;
    // Of the query, for @ start(), @ end(), step() and range(). step_ms: 0 in an instant query.
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    int64_t step_ms = 0;
    bool start_timestamps = false;  // heed those of the points
    bool delayed_names = false;     // names go when all is done
  };

  // `series` must outlive it.
  ReferenceEvaluator(const std::vector<RefSeries>* series, Options options)
      : series_(series), options_(options) {}

  RefValue Eval(const promql::Expr& e, int64_t time_ms) const;

 private:
  RefValue EvalNode(const promql::Expr& e, int64_t time_ms) const;
  // A result that is not of its metric any more.
  RefSample Nameless(RefLabels labels, RefElement element) const;
  RefValue CheckedUnlessDelayed(RefValue value) const;
  std::optional<RefSample> WithScalar(const promql::BinaryExpr& b, const RefSample& s,
                                      double scalar, bool scalar_left) const;
  // The points of each series within a range, without stale markers; `begin_ms` is outside of it.
  struct Window {
    int64_t begin_ms = 0;
    int64_t end_ms = 0;
    std::vector<RefSeries> series;
    std::string error;
  };

  RefValue EvalSelector(const promql::VectorSelector& v, int64_t time_ms, bool timestamps) const;
  Window EvalRange(const promql::Expr& e, int64_t time_ms) const;
  Window EvalMatrix(const promql::MatrixSelector& m, int64_t time_ms) const;
  Window EvalSubquery(const promql::SubqueryExpr& s, int64_t time_ms) const;
  RefValue EvalCall(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalScalarCall(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalStartTimestamp(const promql::VectorSelector& v, int64_t time_ms) const;
  RefValue EvalRangeCall(const promql::Call& c, size_t range_arg, int64_t time_ms) const;
  RefValue EvalAbsentOverTime(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalLabelCall(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalHistogramQuantile(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalInfo(const promql::Call& c, int64_t time_ms) const;
  std::optional<int64_t> TimeOfSelector(const promql::Expr& e, int64_t time_ms) const;
  RefValue EvalAbsent(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalAggregate(const promql::AggregateExpr& a, int64_t time_ms) const;
  RefValue EvalBinary(const promql::BinaryExpr& b, int64_t time_ms) const;
  RefValue EvalSmoothed(const promql::VectorSelector& v, int64_t time_ms) const;
  int64_t ShiftedTime(const promql::AtModifier& at, const promql::DurationValue& offset,
                      int64_t time_ms) const;
  int64_t Milliseconds(const promql::DurationValue& d) const;
  double Seconds(const promql::Expr& duration) const;
  // Within the lookback, unless it is stale.
  std::optional<RefPoint> NewestPoint(const RefSeries& series, int64_t at_ms) const;
  // All series that `v` selects, with their points in (begin, end] that are no stale markers.
  std::vector<RefSeries> PointsWithin(const promql::VectorSelector& v, int64_t begin_ms,
                                      int64_t end_ms) const;

  const std::vector<RefSeries>* const series_;
  const Options options_;
};

// reference_functions.cc. `at_s` is the evaluation time in seconds.
struct RefWindow {
  double begin_s = 0;  // outside
  double end_s = 0;
  double at_s = 0;
  std::vector<RefPoint> points;  // not empty
  bool anchored = false;         // points reach back beyond the window
  bool smoothed = false;         // and forward
};
// Nothing when the function gives no sample for this window.
std::optional<RefElement> RefRangeFunction(promql::FunctionId id, const RefWindow& window,
                                           const std::vector<double>& params);
// Whether a counter began anew between two samples.
bool RefBegan(const RefPoint& before, const RefPoint& now);
// reference_extended.cc: of windows that are anchored or smoothed.
std::optional<RefElement> RefExtendedFunction(promql::FunctionId id, const RefWindow& window);
// Nothing when the two do not go together.
std::optional<RefElement> RefInterpolate(const RefPoint& a, const RefPoint& b, int64_t time_ms,
                                         bool counter);
// Functions of one sample and up to two scalars.
std::optional<double> RefSampleFunction(promql::FunctionId id, double v,
                                        const std::vector<double>& p);
// Functions of one native histogram. Nothing when the function is not one of those.
std::optional<double> RefHistogramFunction(promql::FunctionId id, const RefHistogram& h);
double RefBinary(promql::BinaryOp op, double a, double b);
// An arithmetic operator. Nothing when it has no meaning for these kinds.
std::optional<RefElement> RefBinary(promql::BinaryOp op, const RefElement& a, const RefElement& b);
bool RefCompare(promql::BinaryOp op, double a, double b);
std::optional<bool> RefCompare(promql::BinaryOp op, const RefElement& a, const RefElement& b);
double RefQuantile(double q, std::vector<double> values);
// reference_hash.cc: by which limit_ratio() knows a label set: XXH64 of every name and value in
// order, each after its length.
uint64_t RefHash(const RefLabels& labels);
double RefAggregate(promql::AggregateOp op, const std::vector<double>& values, double param);
// Nothing when they do not go together. `values` is not empty.
std::optional<RefHistogram> RefSum(const std::vector<RefHistogram>& values);

}  // namespace deucalion::testing_support

#endif  // DEUCALION_TESTS_SUPPORT_REFERENCE_EVAL_H_
