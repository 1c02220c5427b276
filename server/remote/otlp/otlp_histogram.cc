#include "server/remote/otlp/otlp_histogram.h"

#include <cmath>
#include <limits>

#include "model/value.h"

namespace deucalion::remote {
namespace {

constexpr int32_t kMinScale = -4;
// OpenTelemetry's zero bucket has no width of its own.
constexpr double kZeroThreshold = 1e-128;
// Gaps of so many empty buckets are written out; wider ones begin a new span.
constexpr int64_t kMaxGap = 2;

// Counts at ascending indexes, put into spans and deltas.
class BucketWriter {
 public:
  BucketWriter(std::vector<BucketSpan>* spans, std::vector<int64_t>* deltas)
      : spans_(spans), deltas_(deltas) {}

  // Several counts for one index add up. False: no such index.
  bool Add(int64_t index, uint64_t count) {
    if (count == 0) return true;
    if (index < std::numeric_limits<int32_t>::min() ||
        index > std::numeric_limits<int32_t>::max()) {
      return false;
    }
    if (open_ && index != index_) Flush();
    open_ = true;
    index_ = index;
    count_ += static_cast<int64_t>(count);
    return true;
  }
  void Flush() {
    if (!open_) return;
    const int64_t gap = index_ - next_;
    if (spans_->empty() || gap > kMaxGap) {
      spans_->push_back({.offset = static_cast<int32_t>(gap), .length = 0});
    } else {
      for (int64_t i = 0; i < gap; i++) Put(0);
    }
    Put(count_);
    next_ = index_ + 1;
    count_ = 0;
    open_ = false;
  }

 private:
  void Put(int64_t count) {
    spans_->back().length++;
    deltas_->push_back(count - last_);
    last_ = count;
  }

  std::vector<BucketSpan>* const spans_;
  std::vector<int64_t>* const deltas_;
  bool open_ = false;
  int64_t index_ = 0, count_ = 0;
  int64_t next_ = 0;  // index behind the last bucket; of the first span, its offset counts from 0
  int64_t last_ = 0;
};

// OpenTelemetry's bucket 0 ends where Prometheus's bucket 1 does.
bool AddExponential(const OtlpBuckets& buckets, int scale_down, std::vector<BucketSpan>* spans,
                    std::vector<int64_t>* deltas) {
  BucketWriter writer(spans, deltas);
  for (size_t i = 0; i < buckets.counts.size(); i++) {
    const int64_t index = (int64_t{buckets.offset} + static_cast<int64_t>(i)) >> scale_down;
    if (!writer.Add(index + 1, buckets.counts[i])) return false;
  }
  writer.Flush();
  return true;
}

// Of a series that has ended.
IntHistogram Stale(IntHistogram h) {
  h.sum = StaleNan();
  return h;
}

}  // namespace

Result<IntHistogram> ExponentialToNative(const OtlpPoint& point) {
  if (point.scale < kMinScale) {
    return InvalidArgumentError(
        "cannot convert exponential to native histogram. Scale must be >= -4, was " +
        std::to_string(point.scale));
  }
  IntHistogram h;
  h.schema = std::min(point.scale, kExponentialSchemaMax);
  h.zero_threshold = kZeroThreshold;
  if (point.no_value) return Stale(std::move(h));
  h.zero_count = point.zero_count;
  h.count = point.count;
  if (point.has_sum) h.sum = point.sum;
  // 63: every index has become 0 or -1 by then.
  const int scale_down = std::min(point.scale - h.schema, 63);
  if (!AddExponential(point.positive, scale_down, &h.positive_spans, &h.positive_buckets) ||
      !AddExponential(point.negative, scale_down, &h.negative_spans, &h.negative_buckets)) {
    return InvalidArgumentError("exponential histogram has a bucket beyond the last index");
  }
  return h;
}

Result<IntHistogram> ExplicitToNative(const OtlpPoint& point) {
  IntHistogram h;
  h.schema = kCustomBucketsSchema;
  h.custom_values = point.bounds;
  // The last bucket ends there anyway.
  if (!h.custom_values.empty() && std::isinf(h.custom_values.back())) h.custom_values.pop_back();
  if (point.no_value) return Stale(std::move(h));
  h.count = point.count;
  if (point.has_sum) h.sum = point.sum;
  BucketWriter writer(&h.positive_spans, &h.positive_buckets);
  for (size_t i = 0; i < point.counts.size(); i++) {
    if (!writer.Add(static_cast<int64_t>(i), point.counts[i])) break;
  }
  writer.Flush();
  return h;
}

}  // namespace deucalion::remote
