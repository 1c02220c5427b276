// The rules a histogram from outside must keep, in Prometheus's words.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <type_traits>

#include "model/histogram.h"
#include "model/value.h"

namespace deucalion {
namespace {

Status NegativeOffset(size_t span, int32_t offset) {
  return InvalidArgumentError(
      fmt::format("span number {} with offset {}: histogram has a span whose offset is negative",
                  span + 1, offset));
}

Status WrongBucketCount(uint64_t need, size_t have) {
  return InvalidArgumentError(
      fmt::format("spans need {} buckets, have {} buckets: histogram spans specify different "
                  "number of buckets than provided",
                  need, have));
}

Status CheckSpans(const std::vector<BucketSpan>& spans, size_t buckets) {
  uint64_t need = 0;
  for (size_t i = 0; i < spans.size(); i++) {
    if (i > 0 && spans[i].offset < 0) return NegativeOffset(i, spans[i].offset);
    need += spans[i].length;
  }
  return need == buckets ? OkStatus() : WrongBucketCount(need, buckets);
}

Status CheckBoundOrder(const std::vector<double>& bounds) {
  double previous = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < bounds.size(); i++) {
    if (std::isnan(bounds[i])) {
      return InvalidArgumentError("histogram custom bounds must not be NaN");
    }
    if (i > 0 && bounds[i] <= previous) {
      return InvalidArgumentError(
          fmt::format("previous bound is {:f} and current is {:f}: histogram custom bounds must be "
                      "in strictly increasing order",
                      previous, bounds[i]));
    }
    previous = bounds[i];
  }
  if (previous == std::numeric_limits<double>::infinity()) {
    return InvalidArgumentError(
        "last +Inf bound must not be explicitly defined: histogram custom bounds must be finite");
  }
  return OkStatus();
}

Status CheckCustomLayout(const std::vector<double>& bounds, const std::vector<BucketSpan>& spans,
                         size_t buckets) {
  RETURN_IF_ERROR(CheckBoundOrder(bounds));
  uint64_t need = 0;
  uint64_t reach = 0;
  for (size_t i = 0; i < spans.size(); i++) {
    if (spans[i].offset < 0) return NegativeOffset(i, spans[i].offset);
    need += spans[i].length;
    reach += spans[i].length + static_cast<uint64_t>(spans[i].offset);
  }
  if (need != buckets) return WrongBucketCount(need, buckets);
  if (bounds.size() + 1 < reach) {
    return InvalidArgumentError(
        fmt::format("only {} custom bounds defined which is insufficient to cover total span "
                    "length of {}: histogram custom bounds are too few",
                    bounds.size(), reach));
  }
  return OkStatus();
}

std::string CountText(double count) { return FormatFloatG(count); }
std::string CountText(int64_t count) { return std::to_string(count); }

Status NegativeBucket(size_t bucket, const std::string& count) {
  return InvalidArgumentError(
      fmt::format("bucket number {} has observation count of {}: histogram has a bucket whose "
                  "observation count is negative",
                  bucket + 1, count));
}

// Adds the observations of all buckets to *total.
Status CheckBuckets(const std::vector<int64_t>& deltas, uint64_t* total) {
  int64_t count = 0;
  for (size_t i = 0; i < deltas.size(); i++) {
    if (__builtin_add_overflow(count, deltas[i], &count) || count < 0) {
      return NegativeBucket(i, CountText(count));
    }
    *total += static_cast<uint64_t>(count);
  }
  return OkStatus();
}

Status CheckBuckets(const std::vector<double>& counts, double* total) {
  for (size_t i = 0; i < counts.size(); i++) {
    if (counts[i] < 0) return NegativeBucket(i, CountText(counts[i]));
    *total += counts[i];
  }
  return OkStatus();
}

Status InSide(std::string_view side, Status status) {
  return status.ok() ? std::move(status) : status.WithContext(side);
}

template <typename H>
Status CheckCustom(const H& h) {
  RETURN_IF_ERROR(InSide("custom buckets", CheckCustomLayout(h.custom_values, h.positive_spans,
                                                             h.positive_buckets.size())));
  if (h.zero_count != 0) {
    return InvalidArgumentError("custom buckets: must have zero count of 0");
  }
  if (h.zero_threshold != 0) {
    return InvalidArgumentError("custom buckets: must have zero threshold of 0");
  }
  if (!h.negative_spans.empty()) {
    return InvalidArgumentError("custom buckets: must not have negative spans");
  }
  if (!h.negative_buckets.empty()) {
    return InvalidArgumentError("custom buckets: must not have negative buckets");
  }
  return OkStatus();
}

template <typename H, typename Total>
Status CheckExponential(const H& h, Total* negative_total) {
  RETURN_IF_ERROR(InSide("positive side", CheckSpans(h.positive_spans, h.positive_buckets.size())));
  RETURN_IF_ERROR(InSide("negative side", CheckSpans(h.negative_spans, h.negative_buckets.size())));
  RETURN_IF_ERROR(InSide("negative side", CheckBuckets(h.negative_buckets, negative_total)));
  if (h.zero_count < 0) {
    return InvalidArgumentError(
        fmt::format("zero bucket has observation count of {}: histogram has a bucket whose "
                    "observation count is negative",
                    FormatFloatG(static_cast<double>(h.zero_count))));
  }
  if (!h.custom_values.empty()) {
    return InvalidArgumentError("histogram with exponential schema must not have custom bounds");
  }
  return OkStatus();
}

// Everything but the positive buckets' counts.
template <typename H, typename Total>
Status CheckBySchema(const H& h, Total* negative_total) {
  if (h.UsesCustomBuckets()) return CheckCustom(h);
  if (IsExponentialSchema(h.schema)) return CheckExponential(h, negative_total);
  return InvalidArgumentError(
      fmt::format("histogram has an invalid schema, which must be between {} and {} for "
                  "exponential buckets, or {} for custom buckets, got schema {}",
                  kExponentialSchemaMin, kExponentialSchemaMax, kCustomBucketsSchema, h.schema));
}

}  // namespace

Status FloatHistogram::Validate() const {
  double negative_total = 0, positive_total = 0;
  RETURN_IF_ERROR(CheckBySchema(*this, &negative_total));
  if (count < 0) {
    return InvalidArgumentError(
        fmt::format("observation count is  {}: histogram's observation count is negative",
                    FormatFloatG(count)));
  }
  return InSide("positive side", CheckBuckets(positive_buckets, &positive_total));
}

Status IntHistogram::Validate() const {
  uint64_t negative_total = 0, positive_total = 0;
  RETURN_IF_ERROR(CheckBySchema(*this, &negative_total));
  RETURN_IF_ERROR(InSide("positive side", CheckBuckets(positive_buckets, &positive_total)));
  // An observation of NaN is counted but falls into no bucket.
  const uint64_t total = negative_total + positive_total + zero_count;
  const bool saw_nan = std::isnan(sum);
  if (saw_nan ? total <= count : total == count) return OkStatus();
  return InvalidArgumentError(fmt::format(
      "{} observations found in buckets, but the Count field is {}: {}", total, count,
      saw_nan ? "histogram's observation count should be at least the number of observations found "
                "in the buckets"
              : "histogram's observation count should equal the number of observations found in "
                "the buckets (in absence of NaN)"));
}

}  // namespace deucalion
