// Native histograms: Prometheus's sparse exponential histograms (schema -4..8; up to 52 accepted
// from outside and reduced) and custom-bucket histograms (schema -53, "NHCB").
//
// FloatHistogram holds absolute float counts and is what queries compute with. IntHistogram is what
// is scraped and stored: bucket counts as deltas, the first absolute. Conversion int -> float is
// exact below 2^53. Values; thread-compatible. Source: model/histogram of Prometheus 3.14.
#ifndef DEUCALION_MODEL_HISTOGRAM_H_
#define DEUCALION_MODEL_HISTOGRAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace deucalion {

inline constexpr int32_t kCustomBucketsSchema = -53;
inline constexpr int32_t kExponentialSchemaMin = -4;
inline constexpr int32_t kExponentialSchemaMax = 8;
inline constexpr int32_t kExponentialSchemaMaxReserved = 52;

// Numbered as in the chunk and protobuf formats.
enum class ResetHint : uint8_t { kUnknown = 0, kReset = 1, kNotReset = 2, kGauge = 3 };

// `offset`: empty buckets before this span (for the first: index of its first bucket). `length`:
// buckets.
struct BucketSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const BucketSpan&, const BucketSpan&) = default;
};

inline bool IsExponentialSchema(int32_t s) {
  return s >= kExponentialSchemaMin && s <= kExponentialSchemaMax;
}

struct HistogramBucket {
  double lower = 0;
  double upper = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
  double count = 0;
  int32_t index = 0;
  friend bool operator==(const HistogramBucket&, const HistogramBucket&) = default;
};

struct FloatHistogram {
  ResetHint reset_hint = ResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<BucketSpan> positive_spans, negative_spans;
  std::vector<double> positive_buckets, negative_buckets;  // absolute
  std::vector<double> custom_values;                       // upper bounds, schema -53, without +Inf

  bool UsesCustomBuckets() const { return schema == kCustomBucketsSchema; }

  // All arithmetic below works on the receiver in place; layouts are reconciled as upstream does
  // (lower resolution wins, zero buckets merge, custom bounds intersect).
  struct OpResult {
    bool counter_reset_collision = false;  // one operand says reset, the other not_reset
    bool nhcb_bounds_reconciled = false;
  };
  // Fails when exponential meets custom ("…incompatible schema…").
  Result<OpResult> Add(const FloatHistogram& other);
  Result<OpResult> Sub(const FloatHistogram& other);
  // With Kahan-Neumaier compensation in `c` (same layout as this; created on first use). `c` may be
  // null first.
  Result<OpResult> KahanAdd(const FloatHistogram& other, std::unique_ptr<FloatHistogram>* c);
  void Mul(double factor);
  void Div(double factor);

  // Merges spans, removes runs of empty buckets longer than `max_empty_buckets`.
  void Compact(int max_empty_buckets);
  // Exponential only; no effect when `target_schema` is not lower.
  void ReduceResolution(int32_t target_schema);
  // True when this is a reset against `previous` (upstream's DetectReset, hints honoured).
  bool DetectReset(const FloatHistogram& previous) const;
  // Exact layout and bits (NaN equals NaN). Reset hints are not compared.
  bool Equals(const FloatHistogram& other) const;
  // Structure and, for exponential and custom schemas, order and sign rules. Upstream's error
  // words.
  Status Validate() const;
  // Whether a count, the sum or a bucket has become infinite: averages then switch to another
  // formula.
  bool HasOverflow() const;
  // Approximate size in 16-byte samples, as upstream counts it against query.max-samples.
  size_t SizeInSamples() const;
  size_t SizeBytes() const;

  // Positive side ascending; negative side from the one nearest zero outwards; the zero bucket when
  // zero_count > 0. AllBuckets: negative (most negative first), zero, positive: ascending by value.
  std::vector<HistogramBucket> PositiveBuckets() const;
  std::vector<HistogramBucket> NegativeBuckets() const;
  HistogramBucket ZeroBucket() const;
  std::vector<HistogramBucket> AllBuckets() const;

  // Drops observations above (`keep_lower`) or below `rhs`: operators </ and >/.
  void TrimBuckets(double rhs, bool keep_lower);

  // {count:3, sum:1, (0.5,1]:2, …} as count_values and API text show it.
  std::string ToString() const;
  // {{schema:0 sum:1 count:2 …}} as test scripts write it.
  std::string TestExpression() const;
};

struct IntHistogram {
  ResetHint reset_hint = ResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  uint64_t count = 0;
  double sum = 0;
  std::vector<BucketSpan> positive_spans, negative_spans;
  std::vector<int64_t> positive_buckets, negative_buckets;  // deltas, first absolute
  std::vector<double> custom_values;

  bool UsesCustomBuckets() const { return schema == kCustomBucketsSchema; }
  FloatHistogram ToFloat() const;
  void Compact(int max_empty_buckets);
  void ReduceResolution(int32_t target_schema);
  bool Equals(const IntHistogram& other) const;
  Status Validate() const;
};

// Upper bound of bucket `index` at exponential `schema`, in absolute terms; the last one before the
// bucket of the infinities ends at the largest finite double.
double ExponentialBound(int32_t index, int32_t schema);

// Classic buckets (cumulative, at one timestamp) -> custom-bucket histogram. `load_with_nhcb`,
// scraping with convert_classic_histograms_to_nhcb. Rules: docs of ConvertClassic in
// histogram_convert.cc.
struct ClassicHistogram {
  std::vector<std::pair<double, double>> buckets;  // upper bound, cumulative count; any order
  bool has_count = false;
  double count = 0;
  double sum = 0;
};
struct ConvertedHistogram {
  bool is_float = false;
  IntHistogram integer;  // when !is_float
  FloatHistogram floating;
};
Result<ConvertedHistogram> ConvertClassicToNhcb(const ClassicHistogram& classic);

}  // namespace deucalion

#endif  // DEUCALION_MODEL_HISTOGRAM_H_
