// The annotations a query can make, in Prometheus's words. `pos` is a byte offset in the query
// text.
#ifndef DEUCALION_PROMQL_EXEC_NOTES_H_
#define DEUCALION_PROMQL_EXEC_NOTES_H_

#include <cstdint>
#include <string_view>

#include "promql/annotations.h"

namespace deucalion::promql::notes {

// Which operation reconciled bounds or met conflicting counter resets.
enum class HistogramOp : uint8_t { kAdd, kSub, kAggregate };

Annotation InvalidRatio(double got, double capped_to, int32_t pos);
Annotation InvalidQuantile(double got, int32_t pos);
Annotation BadBucketLabel(std::string_view metric_name, std::string_view le, int32_t pos);
Annotation MixedFloatsHistograms(std::string_view metric_name, int32_t pos);
Annotation MixedFloatsHistogramsInAggregation(int32_t pos);
Annotation MixedClassicNative(std::string_view metric_name, int32_t pos);
Annotation NativeNotCounter(std::string_view metric_name, int32_t pos);
Annotation NativeNotGauge(std::string_view metric_name, int32_t pos);
Annotation MixedExponentialCustom(std::string_view metric_name, int32_t pos);
Annotation IncompatibleBucketLayout(std::string_view op, int32_t pos);
Annotation SortInRangeQuery(int32_t pos);
Annotation CounterResetCollision(HistogramOp op, int32_t pos);
Annotation StartTimeOverlap(std::string_view metric_name, int32_t pos);

Annotation PossibleNonCounter(std::string_view metric_name, int32_t pos);
Annotation PossibleNonCounterByLabel(std::string_view metric_name, std::string_view type_label,
                                     int32_t pos);
Annotation ForcedMonotonicity(std::string_view metric_name, int64_t time_ms, double min_bucket,
                              double max_bucket, double max_diff, int32_t pos);
Annotation IncompatibleTypes(std::string_view left_type, std::string_view op,
                             std::string_view right_type, int32_t pos);
Annotation HistogramIgnoredInAggregation(std::string_view aggregation, int32_t pos);
Annotation HistogramIgnoredInMixedRange(std::string_view metric_name, int32_t pos);
Annotation QuantileNanResult(std::string_view metric_name, int32_t pos);
Annotation QuantileNanSkew(std::string_view metric_name, int32_t pos);
Annotation FractionNans(std::string_view metric_name, int32_t pos);
Annotation MismatchedCustomBuckets(HistogramOp op, int32_t pos);

}  // namespace deucalion::promql::notes

#endif  // DEUCALION_PROMQL_EXEC_NOTES_H_
