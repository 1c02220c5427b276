// What the HTTP API answers to queries, and the two forms in which it is printed.
#ifndef DEUCALION_SERVER_TOOL_QUERY_RESULT_H_
#define DEUCALION_SERVER_TOOL_QUERY_RESULT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace deucalion::tool {

using LabelSet = std::map<std::string, std::string>;

struct HistogramBucket {
  int boundaries = 0;  // 0: (lower,upper], 1: [lower,upper), 2: both open, 3: both closed
  double lower = 0, upper = 0, count = 0;
};
struct SampleHistogram {
  double count = 0, sum = 0;
  std::vector<HistogramBucket> buckets;
};
struct FloatPoint {
  int64_t time_ms = 0;
  double value = 0;
};
struct HistogramPoint {
  int64_t time_ms = 0;
  SampleHistogram histogram;
};

struct StringValue {
  int64_t time_ms = 0;
  std::string text;
};
struct SeriesValue {
  LabelSet metric;
  std::vector<FloatPoint> values;
  std::vector<HistogramPoint> histograms;
};
// Each series has one point.
struct VectorValue {
  std::vector<SeriesValue> series;
};
struct MatrixValue {
  std::vector<SeriesValue> series;
};
using QueryValue = std::variant<FloatPoint, StringValue, VectorValue, MatrixValue>;

// A response of the API: what it holds, and warnings.
template <typename T>
struct Answer {
  T data;
  std::vector<std::string> warnings;
};

// Bodies of successful and failed requests of the API; errors are those the body reports, or that
// it cannot be understood. Linear in the body.
Result<Answer<QueryValue>> DecodeQueryValue(int http_status, std::string_view body);
Result<Answer<std::vector<LabelSet>>> DecodeSeries(int http_status, std::string_view body);
Result<Answer<std::vector<std::string>>> DecodeNames(int http_status, std::string_view body);

// As PromQL's text forms: `up{job="x"} => 1 @[1435781430.781]`.
std::string TextOf(const QueryValue& value);
std::string TextOf(const LabelSet& labels);
// As the API's JSON.
std::string JsonOf(const QueryValue& value);
std::string JsonOf(const std::vector<LabelSet>& series);
std::string JsonOf(const std::vector<std::string>& names);

}  // namespace deucalion::tool

#endif  // DEUCALION_SERVER_TOOL_QUERY_RESULT_H_
