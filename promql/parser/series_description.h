// Series with values, as test scripts and rule tests write them:
//
//     http_requests{path="/a"} 1+2x10 _ stale {{schema:0 sum:1 count:2 buckets:[1 1]}}x3
//
// `axN` is N+1 values, `a+bxN` and `a-bxN` step from value to value, `_` leaves a point out, `_xN`
// N of them. Histograms stand in double braces: key:value pairs in any order, each at most once.
// Values; thread-compatible.
#ifndef DEUCALION_PROMQL_PARSER_SERIES_DESCRIPTION_H_
#define DEUCALION_PROMQL_PARSER_SERIES_DESCRIPTION_H_

#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"

namespace deucalion::promql {

struct SequenceValue {
  bool omitted = false;
  double value = 0;  // when histogram is null
  std::shared_ptr<const FloatHistogram> histogram;
  // counter_reset_hint was written (in the step histogram where there is one): comparisons then
  // check it.
  bool reset_hint_set = false;
};

struct SeriesDescription {
  Labels labels;
  std::vector<SequenceValue> values;
};

// More values than this in one line are refused.
inline constexpr size_t kMaxSequenceValues = 10'000'000;

// Errors: "1:C: parse error: …".
Result<SeriesDescription> ParseSeriesDescription(std::string_view text);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PARSER_SERIES_DESCRIPTION_H_
