// Results against expectations, by the rules of Prometheus's test scripts: floats within a relative
// 1e-6, label sets exactly, histograms bucket by bucket after compaction.
#ifndef DEUCALION_TESTS_SUPPORT_PROMQLTEST_COMPARE_H_
#define DEUCALION_TESTS_SUPPORT_PROMQLTEST_COMPARE_H_

#include <string>

#include "model/histogram.h"
#include "promql/annotations.h"
#include "promql/value.h"
#include "tests/support/promqltest/script.h"

namespace deucalion::promqltest {

// NaN equals NaN, but the stale marker only itself.
bool AlmostEqual(double a, double b);
// The hint counts only when `check_hint`.
bool HistogramsMatch(const FloatHistogram& want, const FloatHistogram& got, bool check_hint);

// Each returns "" or what differs, with got and want.
std::string CompareValue(const EvalCommand& eval, const promql::Value& got);
std::string CompareAnnotations(const EvalCommand& eval, std::string_view query,
                               const promql::Annotations& got);
std::string CompareFailure(const EvalCommand& eval, std::string_view got);
// Matrices are always sorted by labels.
std::string CheckSorted(const promql::Matrix& matrix);

}  // namespace deucalion::promqltest

#endif  // DEUCALION_TESTS_SUPPORT_PROMQLTEST_COMPARE_H_
