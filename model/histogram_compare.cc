// Equality of data, detection of counter resets, and sizes.
#include <bit>
#include <cmath>
#include <limits>

#include "model/histogram.h"
#include "model/histogram_layout.h"

namespace deucalion {

namespace histogram_internal {
namespace {

// Walks spans with those of length zero folded into the next.
class SpanReader {
 public:
  explicit SpanReader(const Spans& spans) : spans_(spans) {}
  // False at the end.
  bool Next(int64_t* offset, uint32_t* length) {
    *offset = 0;
    while (i_ < spans_.size()) {
      const BucketSpan& span = spans_[i_++];
      *offset += span.offset;
      if (span.length == 0) continue;
      *length = span.length;
      return true;
    }
    return false;
  }

 private:
  const Spans& spans_;
  size_t i_ = 0;
};

}  // namespace

bool SpansMatch(const Spans& a, const Spans& b) {
  SpanReader ra(a), rb(b);
  for (;;) {
    int64_t offset_a = 0, offset_b = 0;
    uint32_t length_a = 0, length_b = 0;
    const bool more = ra.Next(&offset_a, &length_a);
    if (rb.Next(&offset_b, &length_b) != more) return false;
    if (!more) return true;
    if (offset_a != offset_b || length_a != length_b) return false;
  }
}

bool SameDoubles(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++) {
    if (std::bit_cast<uint64_t>(a[i]) != std::bit_cast<uint64_t>(b[i])) return false;
  }
  return true;
}

}  // namespace histogram_internal

namespace {

using histogram_internal::BucketBound;
using histogram_internal::BucketCursor;
using histogram_internal::CoarserIndex;
using histogram_internal::SameDoubles;
using histogram_internal::Spans;
using histogram_internal::SpansMatch;
using histogram_internal::ZeroCountForThreshold;

// NaN of any bits equals NaN of the same bits only: the stale marker is one of them.
bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

// The buckets of one side as they would be at a coarser schema, without those in the zero bucket.
class CoarserCursor {
 public:
  CoarserCursor(const FloatHistogram& h, bool positive, double zero_threshold, int32_t schema)
      : buckets_(positive ? h.positive_buckets : h.negative_buckets),
        at_(positive ? h.positive_spans : h.negative_spans, buckets_.size()),
        from_(h.schema),
        to_(schema) {
    Next();
    if (!IsExponentialSchema(to_)) return;
    while (valid_ && ExponentialBound(static_cast<int32_t>(index_), to_) <= zero_threshold) Next();
  }
  bool Valid() const { return valid_; }
  int64_t index() const { return index_; }
  double count() const { return count_; }
  void Next() {
    valid_ = at_.Valid();
    if (!valid_) return;
    index_ = Index();
    count_ = 0;
    do {
      count_ += buckets_[at_.position()];
      at_.Next();
    } while (from_ != to_ && at_.Valid() && Index() == index_);
  }

 private:
  int64_t Index() const {
    return from_ == to_ ? at_.index() : CoarserIndex(at_.index(), from_, to_);
  }
  const std::vector<double>& buckets_;
  BucketCursor at_;
  int32_t from_;
  int32_t to_;
  bool valid_ = false;
  int64_t index_ = 0;
  double count_ = 0;
};

// Whether a bucket of `previous` has shrunk or is gone.
bool BucketsWereReset(CoarserCursor now, CoarserCursor previous) {
  for (; previous.Valid(); previous.Next()) {
    while (now.Valid() && now.index() < previous.index()) now.Next();
    const bool found = now.Valid() && now.index() == previous.index();
    if (found ? now.count() < previous.count() : previous.count() != 0) return true;
  }
  return false;
}

// Adds up custom buckets from bound to bound.
class CustomSummer {
 public:
  explicit CustomSummer(const FloatHistogram& h)
      : h_(h), at_(h.positive_spans, h.positive_buckets.size()) {}
  // The count between the bound given before and this one.
  double UpTo(double bound) {
    double sum = 0;
    for (; at_.Valid(); at_.Next()) {
      if (BucketBound(at_.index(), h_.schema, h_.custom_values) > bound) break;
      sum += h_.positive_buckets[at_.position()];
    }
    return sum;
  }

 private:
  const FloatHistogram& h_;
  BucketCursor at_;
};

// Custom buckets with bounds that differ: compared between the bounds they share.
bool SharedBucketsWereReset(const FloatHistogram& now, const FloatHistogram& previous) {
  CustomSummer now_sum(now), previous_sum(previous);
  const auto bound = [](const FloatHistogram& h, size_t i) {
    return i < h.custom_values.size() ? h.custom_values[i]
                                      : std::numeric_limits<double>::infinity();
  };
  size_t i = 0, k = 0;
  while (i <= now.custom_values.size() && k <= previous.custom_values.size()) {
    const double a = bound(now, i), b = bound(previous, k);
    if (a == b && now_sum.UpTo(a) < previous_sum.UpTo(a)) return true;
    i += a <= b ? 1 : 0;
    k += a <= b && a != b ? 0 : 1;
  }
  return false;
}

}  // namespace

bool FloatHistogram::DetectReset(const FloatHistogram& previous) const {
  if (reset_hint == ResetHint::kReset) return true;
  if (reset_hint == ResetHint::kNotReset) return false;
  if (count < previous.count) return true;
  if (UsesCustomBuckets()) {
    if (!previous.UsesCustomBuckets()) return true;
    if (custom_values != previous.custom_values) return SharedBucketsWereReset(*this, previous);
  }
  // Finer buckets or a narrower zero bucket can only come with a restart.
  if (schema > previous.schema) return true;
  if (zero_threshold < previous.zero_threshold) return true;
  const auto previous_zero = ZeroCountForThreshold(previous, zero_threshold, nullptr);
  if (previous_zero.threshold != zero_threshold) return true;
  if (zero_count < previous_zero.count) return true;
  for (const bool positive : {true, false}) {
    if (BucketsWereReset(CoarserCursor(*this, positive, zero_threshold, schema),
                         CoarserCursor(previous, positive, zero_threshold, schema))) {
      return true;
    }
  }
  return false;
}

bool FloatHistogram::Equals(const FloatHistogram& other) const {
  if (schema != other.schema || !SameBits(count, other.count) || !SameBits(sum, other.sum)) {
    return false;
  }
  if (UsesCustomBuckets() && custom_values != other.custom_values) return false;
  if (zero_threshold != other.zero_threshold || !SameBits(zero_count, other.zero_count)) {
    return false;
  }
  return SpansMatch(negative_spans, other.negative_spans) &&
         SameDoubles(negative_buckets, other.negative_buckets) &&
         SpansMatch(positive_spans, other.positive_spans) &&
         SameDoubles(positive_buckets, other.positive_buckets);
}

bool IntHistogram::Equals(const IntHistogram& other) const {
  if (schema != other.schema || count != other.count || !SameBits(sum, other.sum)) return false;
  if (UsesCustomBuckets() && custom_values != other.custom_values) return false;
  if (zero_threshold != other.zero_threshold || zero_count != other.zero_count) return false;
  return SpansMatch(negative_spans, other.negative_spans) &&
         negative_buckets == other.negative_buckets &&
         SpansMatch(positive_spans, other.positive_spans) &&
         positive_buckets == other.positive_buckets;
}

bool FloatHistogram::HasOverflow() const {
  if (std::isinf(zero_count) || std::isinf(count) || std::isinf(sum)) return true;
  for (const auto* values : {&positive_buckets, &negative_buckets, &custom_values}) {
    for (const double v : *values) {
      if (std::isinf(v)) return true;
    }
  }
  return false;
}

size_t FloatHistogram::SizeInSamples() const {
  // The bytes Go's struct and slices take, which is what upstream's limit counts, and a timestamp.
  constexpr size_t kGoStructBytes = 168;
  const size_t elements = positive_spans.size() + negative_spans.size() + positive_buckets.size() +
                          negative_buckets.size() + custom_values.size();
  return (kGoStructBytes + 8 * elements + 8) / 16;
}

size_t FloatHistogram::SizeBytes() const {
  return sizeof(*this) +
         (positive_spans.capacity() + negative_spans.capacity()) * sizeof(BucketSpan) +
         (positive_buckets.capacity() + negative_buckets.capacity() + custom_values.capacity()) *
             sizeof(double);
}

}  // namespace deucalion
