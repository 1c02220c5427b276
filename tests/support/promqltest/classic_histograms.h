// load_with_nhcb: the classic histograms of a load, once more as native histograms with custom
// buckets.
#ifndef DEUCALION_TESTS_SUPPORT_PROMQLTEST_CLASSIC_HISTOGRAMS_H_
#define DEUCALION_TESTS_SUPPORT_PROMQLTEST_CLASSIC_HISTOGRAMS_H_

#include <cstdint>
#include <map>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "tests/support/promqltest/script.h"

namespace deucalion::promqltest {

// By series (le dropped, name without suffix) and time.
using NativeHistograms = std::map<Labels, std::map<int64_t, FloatHistogram>>;

Result<NativeHistograms> ConvertClassicHistograms(const LoadCommand& load);

}  // namespace deucalion::promqltest

#endif  // DEUCALION_TESTS_SUPPORT_PROMQLTEST_CLASSIC_HISTOGRAMS_H_
