// Random series for the reference evaluator: about twenty minutes of scrapes, some of them missed,
// with stale markers, counter resets and whatever else makes answers differ. The same state of
// `random` gives the same series.
#ifndef DEUCALION_TESTS_SUPPORT_RANDOM_SERIES_H_
#define DEUCALION_TESTS_SUPPORT_RANDOM_SERIES_H_

#include <random>
#include <vector>

#include "tests/support/random_expr.h"
#include "tests/support/reference_eval.h"

namespace deucalion::testing_support {

// Of every metric that `names` knows, in the order of their labels.
std::vector<RefSeries> RandomSeries(std::mt19937_64* random, const RandomExprOptions& names);

// random_histograms.cc: native histograms at `times`. `counter`: never gauges.
std::vector<RefPoint> RandomHistograms(std::mt19937_64* random, const std::vector<int64_t>& times,
                                       bool counter);

}  // namespace deucalion::testing_support

#endif  // DEUCALION_TESTS_SUPPORT_RANDOM_SERIES_H_
