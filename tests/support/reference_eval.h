// ReferenceEvaluator: the query language once more, for floats, written to be obviously right.
//
// One expression at one time, from a list of series; nothing is shared between steps, nothing is
// fast. It shares the syntax tree with the engine and nothing else. Where the two differ,
// Prometheus decides which is wrong. Not here: native histograms, annotations, info(), limits,
// delayed name removal.
#ifndef DEUCALION_TESTS_SUPPORT_REFERENCE_EVAL_H_
#define DEUCALION_TESTS_SUPPORT_REFERENCE_EVAL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "promql/ast.h"

namespace deucalion::testing_support {

using RefLabels = std::map<std::string, std::string>;

struct RefPoint {
  int64_t time_ms = 0;
  double value = 0;
  int64_t start_ms = 0;  // when a counter began, 0 = not known
};

struct RefSeries {
  RefLabels labels;
  std::vector<RefPoint> points;  // in time order; stale markers among them
};

struct RefSample {
  RefLabels labels;
  double value = 0;
};

// A scalar or an instant vector, or why there is none.
struct RefValue {
  std::string error;
  bool is_scalar = false;
  double scalar = 0;
  std::vector<RefSample> vector;
};

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
  };

  // `series` must outlive it.
  ReferenceEvaluator(const std::vector<RefSeries>* series, Options options)
      : series_(series), options_(options) {}

  RefValue Eval(const promql::Expr& e, int64_t time_ms) const;

 private:
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
  RefValue EvalRangeCall(const promql::Call& c, size_t range_arg, int64_t time_ms) const;
  RefValue EvalAbsentOverTime(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalLabelCall(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalHistogramQuantile(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalAbsent(const promql::Call& c, int64_t time_ms) const;
  RefValue EvalAggregate(const promql::AggregateExpr& a, int64_t time_ms) const;
  RefValue EvalBinary(const promql::BinaryExpr& b, int64_t time_ms) const;
  RefValue EvalSmoothed(const promql::VectorSelector& v, int64_t time_ms) const;
  int64_t ShiftedTime(const promql::AtModifier& at, const promql::DurationValue& offset,
                      int64_t time_ms) const;
  int64_t Milliseconds(const promql::DurationValue& d) const;
  double Seconds(const promql::Expr& duration) const;
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
std::optional<double> RefRangeFunction(promql::FunctionId id, const RefWindow& window,
                                       const std::vector<double>& params);
// reference_extended.cc: of windows that are anchored or smoothed.
std::optional<double> RefExtendedFunction(promql::FunctionId id, const RefWindow& window);
double RefInterpolate(const RefPoint& a, const RefPoint& b, int64_t time_ms, bool counter);
// Functions of one sample and up to two scalars.
std::optional<double> RefSampleFunction(promql::FunctionId id, double v,
                                        const std::vector<double>& p);
double RefBinary(promql::BinaryOp op, double a, double b);
bool RefCompare(promql::BinaryOp op, double a, double b);
double RefQuantile(double q, std::vector<double> values);
double RefAggregate(promql::AggregateOp op, const std::vector<double>& values, double param);

}  // namespace deucalion::testing_support

#endif  // DEUCALION_TESTS_SUPPORT_REFERENCE_EVAL_H_
