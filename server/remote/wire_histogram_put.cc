#include <cmath>

#include "server/remote/wire_histogram.h"
#include "server/remote/wire_put.h"

namespace deucalion::remote {
namespace {

// Above this a double may be out of range for the integer types.
constexpr double kMaxCount = 9.2e18;

bool ToCount(double v, uint64_t* out) {
  if (!(v >= 0 && v <= kMaxCount) || v != std::floor(v)) return false;
  *out = static_cast<uint64_t>(v);
  return true;
}

bool ToDeltas(const std::vector<double>& counts, std::vector<int64_t>* deltas) {
  int64_t last = 0;
  for (const double v : counts) {
    uint64_t count = 0;
    if (!ToCount(v, &count)) return false;
    deltas->push_back(static_cast<int64_t>(count) - last);
    last = static_cast<int64_t>(count);
  }
  return true;
}

void PutSpans(std::string* out, uint32_t field, const std::vector<BucketSpan>& spans) {
  for (const BucketSpan& span : spans) {
    SmallMessage message(out, field);
    PutSIntField(out, 1, span.offset);
    PutVarintField(out, 2, span.length);
  }
}

void PutBuckets(std::string* out, uint32_t field, const std::vector<int64_t>& deltas) {
  std::string packed;
  for (const int64_t delta : deltas) PutSignedVarint(&packed, delta);
  PutBytesField(out, field, packed);
}

void PutBuckets(std::string* out, uint32_t field, const std::vector<double>& counts) {
  if (counts.empty()) return;
  PutKey(out, field, WireType::kBytes);
  PutVarint(out, counts.size() * sizeof(double));
  for (const double count : counts) PutDouble(out, count);
}

void PutCount(std::string* out, uint32_t int_field, uint64_t count) {
  PutVarintAlways(out, int_field, count);
}
void PutCount(std::string* out, uint32_t int_field, double count) {
  PutDoubleAlways(out, int_field + 1, count);
}

// Integer or float: the fields of the one kind of bucket lie `bucket_shift` behind the other's.
template <typename Histogram>
void PutHistogram(int64_t time_ms, int64_t st_ms, const Histogram& h, uint32_t bucket_shift,
                  std::string* out) {
  PutCount(out, 1, h.count);
  PutDoubleField(out, 3, h.sum);
  PutSIntField(out, 4, h.schema);
  PutDoubleField(out, 5, h.zero_threshold);
  PutCount(out, 6, h.zero_count);
  PutSpans(out, 8, h.negative_spans);
  PutBuckets(out, 9 + bucket_shift, h.negative_buckets);
  PutSpans(out, 11, h.positive_spans);
  PutBuckets(out, 12 + bucket_shift, h.positive_buckets);
  PutVarintField(out, 14, static_cast<uint64_t>(h.reset_hint));
  PutInt64Field(out, 15, time_ms);
  PutBuckets(out, 16, h.custom_values);
  PutInt64Field(out, 17, st_ms);
}

}  // namespace

std::optional<IntHistogram> ToIntHistogram(const FloatHistogram& h) {
  IntHistogram out;
  if (!ToCount(h.count, &out.count) || !ToCount(h.zero_count, &out.zero_count) ||
      !ToDeltas(h.positive_buckets, &out.positive_buckets) ||
      !ToDeltas(h.negative_buckets, &out.negative_buckets)) {
    return std::nullopt;
  }
  out.reset_hint = h.reset_hint;
  out.schema = h.schema;
  out.zero_threshold = h.zero_threshold;
  out.sum = h.sum;
  out.positive_spans = h.positive_spans;
  out.negative_spans = h.negative_spans;
  out.custom_values = h.custom_values;
  return out;
}

void AppendHistogramMessage(int64_t time_ms, int64_t st_ms, bool integer,
                            const FloatHistogram& histogram, std::string* out) {
  const auto whole = integer ? ToIntHistogram(histogram) : std::nullopt;
  if (whole) {
    PutHistogram(time_ms, st_ms, *whole, 0, out);
  } else {
    PutHistogram(time_ms, st_ms, histogram, 1, out);
  }
}

}  // namespace deucalion::remote
