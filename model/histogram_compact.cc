// Compact and ReduceResolution: both rebuild a layout from the buckets that stay.
#include <climits>
#include <limits>

#include "model/histogram.h"
#include "model/histogram_layout.h"

namespace deucalion {
namespace histogram_internal {
namespace {

// Compact would have to fill longer gaps with empty buckets one by one; layouts with such gaps come
// only from hostile input.
constexpr int64_t kMaxFilledGap = 1 << 20;

// Cheap, and true for most histograms as they are stored.
template <typename T>
bool IsCompact(int max_empty, const Spans& spans, const std::vector<T>& buckets) {
  AbsoluteReader<T> reader(buckets);
  for (size_t i = 0; i < buckets.size(); i++) {
    if (reader.At(i) == 0) return false;
  }
  for (const BucketSpan& span : spans) {
    if (span.offset <= max_empty || span.length == 0) return false;
  }
  return true;
}

template <typename T>
void Rebuild(int max_empty, Spans* spans, std::vector<T>* buckets,
             std::vector<double>* compensation) {
  if (IsCompact(max_empty, *spans, *buckets)) return;
  SpanBuilder out_spans;
  AbsoluteWriter<T> out;
  out.Reserve(buckets->size());
  std::vector<double> out_compensation;
  AbsoluteReader<T> reader(*buckets);
  for (BucketCursor at(*spans, buckets->size()); at.Valid(); at.Next()) {
    const T count = reader.At(at.position());
    const double extra = compensation ? (*compensation)[at.position()] : 0;
    if (count == 0 && extra == 0) continue;
    const int64_t gap = out_spans.empty() ? 0 : at.index() - out_spans.next();
    if (gap > 0 && gap <= std::min<int64_t>(max_empty, kMaxFilledGap)) {
      for (int64_t i = at.index() - gap; i < at.index(); i++) {
        out_spans.Append(i);
        out.Append(0);
        if (compensation) out_compensation.push_back(0);
      }
    }
    out_spans.Append(at.index());
    out.Append(count);
    if (compensation) out_compensation.push_back(extra);
  }
  *spans = out_spans.Take();
  *buckets = out.Take();
  if (compensation) *compensation = std::move(out_compensation);
}

template <typename T>
void Reduce(int32_t from, int32_t to, Spans* spans, std::vector<T>* buckets) {
  SpanBuilder out_spans;
  AbsoluteWriter<T> out;
  out.Reserve(buckets->size());
  AbsoluteReader<T> reader(*buckets);
  for (BucketCursor at(*spans, buckets->size()); at.Valid(); at.Next()) {
    const int64_t index = CoarserIndex(at.index(), from, to);
    const T count = reader.At(at.position());
    if (!out_spans.empty() && index < out_spans.next()) {
      out.AddToLast(count);
    } else {
      out_spans.Append(index);
      out.Append(count);
    }
  }
  *spans = out_spans.Take();
  *buckets = out.Take();
}

}  // namespace

void CompactSide(int max_empty, Spans* spans, std::vector<double>* buckets,
                 std::vector<double>* compensation) {
  Rebuild(max_empty, spans, buckets, compensation);
}

void CompactSide(int max_empty, Spans* spans, std::vector<int64_t>* buckets) {
  Rebuild(max_empty, spans, buckets, nullptr);
}

void ReduceSide(int32_t from, int32_t to, Spans* spans, std::vector<double>* buckets) {
  Reduce(from, to, spans, buckets);
}

void ReduceSide(int32_t from, int32_t to, Spans* spans, std::vector<int64_t>* buckets) {
  Reduce(from, to, spans, buckets);
}

void ReduceSide(int32_t from, int32_t to, Spans* spans, std::vector<double>* buckets,
                std::vector<double>* compensation) {
  SpanBuilder out_spans;
  std::vector<double> out, out_compensation;
  for (BucketCursor at(*spans, buckets->size()); at.Valid(); at.Next()) {
    const int64_t index = CoarserIndex(at.index(), from, to);
    const double count = (*buckets)[at.position()];
    const double extra = (*compensation)[at.position()];
    if (!out_spans.empty() && index < out_spans.next()) {
      KahanInc(count, &out.back(), &out_compensation.back());
      KahanInc(extra, &out.back(), &out_compensation.back());
    } else {
      out_spans.Append(index);
      out.push_back(count);
      out_compensation.push_back(extra);
    }
  }
  *spans = out_spans.Take();
  *buckets = std::move(out);
  *compensation = std::move(out_compensation);
}

}  // namespace histogram_internal

using histogram_internal::CompactSide;
using histogram_internal::ReduceSide;

void FloatHistogram::Compact(int max_empty_buckets) {
  CompactSide(max_empty_buckets, &positive_spans, &positive_buckets, nullptr);
  CompactSide(max_empty_buckets, &negative_spans, &negative_buckets, nullptr);
}

void IntHistogram::Compact(int max_empty_buckets) {
  CompactSide(max_empty_buckets, &positive_spans, &positive_buckets);
  CompactSide(max_empty_buckets, &negative_spans, &negative_buckets);
}

namespace {

template <typename H>
void ReduceHistogram(int32_t target_schema, H* h) {
  if (h->UsesCustomBuckets() || target_schema == kCustomBucketsSchema) return;
  if (target_schema >= h->schema || h->schema - target_schema > 62) return;
  ReduceSide(h->schema, target_schema, &h->positive_spans, &h->positive_buckets);
  ReduceSide(h->schema, target_schema, &h->negative_spans, &h->negative_buckets);
  h->schema = target_schema;
}

}  // namespace

void FloatHistogram::ReduceResolution(int32_t target_schema) {
  ReduceHistogram(target_schema, this);
}
void IntHistogram::ReduceResolution(int32_t target_schema) { ReduceHistogram(target_schema, this); }

}  // namespace deucalion
