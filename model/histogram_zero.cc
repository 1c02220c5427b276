// Zero buckets of different width. The narrower one grows, swallowing buckets; when its new edge
// lies inside a populated bucket the edge moves to the far side of that bucket, which may make it
// the wider one, so the two take turns until they agree.
#include "model/histogram.h"
#include "model/histogram_layout.h"

namespace deucalion::histogram_internal {
namespace {

const std::vector<double> kNoBounds;

// Adds the buckets of one side that reach below *threshold to *zero. True when the edge had to
// move, *threshold being then the bound of the bucket it was in.
bool Swallow(int32_t schema, const Spans& spans, const std::vector<double>& buckets,
             const std::vector<double>* compensation, double* threshold, ZeroCount* zero) {
  for (BucketCursor at(spans, buckets.size()); at.Valid(); at.Next()) {
    if (BucketBound(at.index() - 1, schema, kNoBounds) >= *threshold) return false;
    const double count = buckets[at.position()];
    KahanInc(count, &zero->count, &zero->compensation);
    if (compensation) {
      KahanInc((*compensation)[at.position()], &zero->count, &zero->compensation);
    }
    const double upper = BucketBound(at.index(), schema, kNoBounds);
    if (upper > *threshold) {
      if (count == 0) return false;
      *threshold = upper;
      return true;
    }
  }
  return false;
}

void ClearBelow(double threshold, int32_t schema, const Spans& spans, std::vector<double>* buckets,
                std::vector<double>* compensation) {
  for (BucketCursor at(spans, buckets->size()); at.Valid(); at.Next()) {
    if (BucketBound(at.index() - 1, schema, kNoBounds) >= threshold) return;
    (*buckets)[at.position()] = 0;
    if (compensation) (*compensation)[at.position()] = 0;
  }
}

void DropBucketsInZeroBucket(FloatHistogram* h, FloatHistogram* c) {
  auto* positive = c ? &c->positive_buckets : nullptr;
  auto* negative = c ? &c->negative_buckets : nullptr;
  ClearBelow(h->zero_threshold, h->schema, h->positive_spans, &h->positive_buckets, positive);
  ClearBelow(h->zero_threshold, h->schema, h->negative_spans, &h->negative_buckets, negative);
  CompactSide(0, &h->positive_spans, &h->positive_buckets, positive);
  CompactSide(0, &h->negative_spans, &h->negative_buckets, negative);
}

}  // namespace

ZeroCount ZeroCountForThreshold(const FloatHistogram& h, double threshold,
                                const FloatHistogram* compensation) {
  ZeroCount zero{h.zero_count, threshold, compensation ? compensation->zero_count : 0};
  if (!(threshold > h.zero_threshold)) return zero;
  // A moved edge on the negative side invalidates what was taken from the positive side.
  for (bool again = true; again;) {
    zero.count = h.zero_count;
    Swallow(h.schema, h.positive_spans, h.positive_buckets,
            compensation ? &compensation->positive_buckets : nullptr, &zero.threshold, &zero);
    again =
        Swallow(h.schema, h.negative_spans, h.negative_buckets,
                compensation ? &compensation->negative_buckets : nullptr, &zero.threshold, &zero);
  }
  return zero;
}

double ReconcileZeroBuckets(const FloatHistogram& other, FloatHistogram* h,
                            FloatHistogram* compensation) {
  ZeroCount zero{other.zero_count, other.zero_threshold, 0};
  // Written so that a NaN threshold ends it.
  while (h->zero_threshold > zero.threshold || h->zero_threshold < zero.threshold) {
    if (h->zero_threshold > zero.threshold) {
      zero = ZeroCountForThreshold(other, h->zero_threshold, nullptr);
    }
    if (zero.threshold > h->zero_threshold) {
      const ZeroCount mine = ZeroCountForThreshold(*h, zero.threshold, compensation);
      h->zero_count = mine.count;
      h->zero_threshold = mine.threshold;
      if (compensation) compensation->zero_count = mine.compensation;
      DropBucketsInZeroBucket(h, compensation);
    }
  }
  return zero.count;
}

}  // namespace deucalion::histogram_internal
