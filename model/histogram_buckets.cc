#include <limits>

#include "model/histogram.h"
#include "model/histogram_layout.h"

namespace deucalion {

namespace histogram_internal {

double BucketBound(int64_t index, int32_t schema, const std::vector<double>& custom_values) {
  if (schema != kCustomBucketsSchema) {
    constexpr int64_t kMin = std::numeric_limits<int32_t>::min();
    constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
    const int64_t clamped = index < kMin ? kMin : index > kMax ? kMax : index;
    return ExponentialBound(static_cast<int32_t>(clamped), schema);
  }
  if (index < 0) return -std::numeric_limits<double>::infinity();
  if (index >= static_cast<int64_t>(custom_values.size())) {
    return std::numeric_limits<double>::infinity();
  }
  return custom_values[static_cast<size_t>(index)];
}

}  // namespace histogram_internal

namespace {

using histogram_internal::BucketBound;
using histogram_internal::BucketCursor;

const std::vector<double> kNoBounds;

HistogramBucket PositiveBucket(const FloatHistogram& h, const BucketCursor& at) {
  HistogramBucket b;
  b.lower = BucketBound(at.index() - 1, h.schema, h.custom_values);
  b.upper = BucketBound(at.index(), h.schema, h.custom_values);
  b.lower_inclusive = h.UsesCustomBuckets() ? at.index() == 0 : b.lower < 0;
  b.upper_inclusive = h.UsesCustomBuckets() || b.upper > 0;
  b.count = h.positive_buckets[at.position()];
  b.index = static_cast<int32_t>(at.index());
  return b;
}

HistogramBucket NegativeBucket(const FloatHistogram& h, const BucketCursor& at) {
  HistogramBucket b;
  b.lower = -BucketBound(at.index(), h.schema, kNoBounds);
  b.upper = -BucketBound(at.index() - 1, h.schema, kNoBounds);
  b.lower_inclusive = b.lower < 0;
  b.upper_inclusive = b.upper > 0;
  b.count = h.negative_buckets[at.position()];
  b.index = static_cast<int32_t>(at.index());
  return b;
}

// A bucket that overlaps the zero bucket begins where that one ends.
void CutAtZeroBucket(double threshold, HistogramBucket* b) {
  if (b->upper < 0 && b->upper > -threshold) {
    b->upper = -threshold;
  } else if (b->lower > 0 && b->lower < threshold) {
    b->lower = threshold;
  }
}

}  // namespace

std::vector<HistogramBucket> FloatHistogram::PositiveBuckets() const {
  std::vector<HistogramBucket> out;
  out.reserve(positive_buckets.size());
  for (BucketCursor at(positive_spans, positive_buckets.size()); at.Valid(); at.Next()) {
    out.push_back(PositiveBucket(*this, at));
  }
  return out;
}

std::vector<HistogramBucket> FloatHistogram::NegativeBuckets() const {
  std::vector<HistogramBucket> out;
  out.reserve(negative_buckets.size());
  for (BucketCursor at(negative_spans, negative_buckets.size()); at.Valid(); at.Next()) {
    out.push_back(NegativeBucket(*this, at));
  }
  return out;
}

HistogramBucket FloatHistogram::ZeroBucket() const {
  return {-zero_threshold, zero_threshold, true, true, zero_count, 0};
}

std::vector<HistogramBucket> FloatHistogram::AllBuckets() const {
  std::vector<HistogramBucket> out;
  out.reserve(negative_buckets.size() + positive_buckets.size() + 1);
  if (!negative_buckets.empty()) {
    const std::vector<HistogramBucket> negative = NegativeBuckets();
    out.assign(negative.rbegin(), negative.rend());
  }
  if (zero_count > 0) out.push_back(ZeroBucket());
  for (BucketCursor at(positive_spans, positive_buckets.size()); at.Valid(); at.Next()) {
    out.push_back(PositiveBucket(*this, at));
  }
  if (zero_threshold > 0) {
    for (HistogramBucket& b : out) CutAtZeroBucket(zero_threshold, &b);
  }
  return out;
}

}  // namespace deucalion
