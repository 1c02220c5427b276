#include "tsdb/chunk/packed_histograms.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "tsdb/chunk/packed_values.h"

namespace deucalion::tsdb {
namespace {

constexpr uint8_t kIntegerFlag = 0x01;
constexpr

    bool
    SameBits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) {
           return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y);
         });
}

bool SameLayout(const HistogramPoint& a, const HistogramPoint& b) {
  const FloatHistogram &x = a.histogram, &y = b.histogram;
  return a.integer == b.integer && x.reset_hint == y.reset_hint && x.schema == y.schema &&
         std::bit_cast<uint64_t>(x.zero_threshold) == std::bit_cast<uint64_t>(y.zero_threshold) &&
         x.positive_spans == y.positive_spans && x.negative_spans == y.negative_spans &&
         x.positive_buckets.size() == y.positive_buckets.size() &&
         x.negative_buckets.size() == y.negative_buckets.size() &&
         SameBits(x.custom_values, y.custom_values);
}

void PutSpans(std::string* out, const std::vector<BucketSpan>& spans) {
  PutVarint(out, spans.size());
  for (const BucketSpan& s : spans) {
    PutSignedVarint(out, s.offset);
    PutVarint(out, s.length);
  }
}

template <typename Field>
void PutColumn(std::span<const HistogramPoint> run, Field field, std::string* out) {
  thread_local std::vector<double> column;
  column.clear();
  for (const HistogramPoint& p : run) column.push_back(field(p.histogram));
  EncodeValues(column, out);
}

void PutRun(std::span<const HistogramPoint> run, std::string* out) {
  const FloatHistogram& h = run[0].histogram;
  PutVarint(out, run.size());
  PutU8(out, static_cast<uint8_t>((run[0].integer ? kIntegerFlag : 0) |
                                  (static_cast<unsigned>(h.reset_hint) << 1)));
  PutSignedVarint(out, h.schema);
  PutDouble(out, h.zero_threshold);
  PutSpans(out, h.positive_spans);
  PutSpans(out, h.negative_spans);
  PutVarint(out, h.custom_values.size());
  for (const double v : h.custom_values) PutDouble(out, v);
  PutColumn(
      run, [](const FloatHistogram& x) { return x.count; }, out);
  PutColumn(
      run, [](const FloatHistogram& x) { return x.zero_count; }, out);
  PutColumn(
      run, [](const FloatHistogram& x) { return x.sum; }, out);
  for (size_t b = 0; b < h.positive_buckets.size(); ++b) {
    PutColumn(
        run, [b](const FloatHistogram& x) { return x.positive_buckets[b]; }, out);
  }
  for (size_t b = 0; b < h.negative_buckets.size(); ++b) {
    PutColumn(
        run, [b](const FloatHistogram& x) { return x.negative_buckets[b]; }, out);
  }
}

// Returns the number of buckets, or fails the reader. A bucket column takes at least one byte, so
// more buckets than bytes are a lie.
size_t ReadSpans(ByteReader* in, std::vector<BucketSpan>* spans) {
  const uint64_t count = in->Varint();
  if (count > in->remaining()) return in->Fail();
  uint64_t buckets = 0;
  spans->resize(count);
  for (BucketSpan& s : *spans) {
    const int64_t offset = in->SignedVarint();
    const uint64_t length = in->Varint();
    if (offset < INT32_MIN || offset > INT32_MAX || length > in->remaining()) return in->Fail();
    s.offset = static_cast<int32_t>(offset);
    s.length = static_cast<uint32_t>(length);
    buckets += length;
    if (buckets > in->remaining()) return in->Fail();
  }
  return buckets;
}

template <typename Field>
bool ReadColumn(ByteReader* in, std::span<HistogramPoint> run, Field field) {
  thread_local std::vector<double> column;
  column.resize(run.size());
  if (!DecodeValues(in, run.size(), column.data())) return false;
  for (size_t i = 0; i < run.size(); ++i) field(&run[i].histogram) = column[i];
  return true;
}

bool ReadLayout(ByteReader* in, HistogramPoint* first, size_t* positive, size_t* negative) {
  FloatHistogram& h = first->histogram;
  const uint8_t flags = in->U8();
  const int64_t schema = in->SignedVarint();
  h.zero_threshold = in->Double();
  *positive = ReadSpans(in, &h.positive_spans);
  *negative = ReadSpans(in, &h.negative_spans);
  const uint64_t bounds = in->Varint();
  if (!in->ok() || (flags >> 3) != 0 || schema < INT8_MIN || schema > INT8_MAX ||
      bounds > in->remaining() / 8) {
    return in->Fail(), false;
  }
  first->integer = (flags & kIntegerFlag) != 0;
  h.reset_hint = static_cast<ResetHint>(flags >> 1);
  h.schema = static_cast<int32_t>(schema);
  h.custom_values.resize(bounds);
  for (double& v : h.custom_values) v = in->Double();
  return in->ok();
}

bool ReadRun(ByteReader* in, std::span<HistogramPoint> run, size_t* cells) {
  size_t positive = 0, negative = 0;
  if (!ReadLayout(in, &run[0], &positive, &negative)) return false;
  *cells += run.size() *
            (positive + negative + run[0].histogram.custom_values.size() +
             run[0].histogram.positive_spans.size() + run[0].histogram.negative_spans.size());
  if (positive + negative > in->remaining() || *cells > kMaxHistogramCells)
    return in->Fail(), false;
  run[0].histogram.positive_buckets.resize(positive);
  run[0].histogram.negative_buckets.resize(negative);
  for (size_t i = 1; i < run.size(); ++i) {
    run[i].histogram = run[0].histogram;
    run[i].integer = run[0].integer;
  }
  bool ok = ReadColumn(in, run, [](FloatHistogram* h) -> double& { return h->count; }) &&
            ReadColumn(in, run, [](FloatHistogram* h) -> double& { return h->zero_count; }) &&
            ReadColumn(in, run, [](FloatHistogram* h) -> double& { return h->sum; });
  for (size_t b = 0; ok && b < positive; ++b) {
    ok = ReadColumn(in, run, [b](FloatHistogram* h) -> double& { return h->positive_buckets[b]; });
  }
  for (size_t b = 0; ok && b < negative; ++b) {
    ok = ReadColumn(in, run, [b](FloatHistogram* h) -> double& { return h->negative_buckets[b]; });
  }
  return ok;
}

}  // namespace

size_t HistogramsThatFit(std::span<const HistogramPoint> histograms, size_t limit) {
  size_t cells = 0, fit = 0;
  for (; fit < std::min(histograms.size(), limit); ++fit) {
    const FloatHistogram& h = histograms[fit].histogram;
    cells += h.positive_buckets.size() + h.negative_buckets.size() + h.custom_values.size() +
             h.positive_spans.size() + h.negative_spans.size();
    // An eighth of what a reader takes: a page stays of a size worth decoding.
    if (cells > kMaxHistogramCells / (fit == 0 ? 1 : 8)) break;
  }
  return fit;
}

void EncodeHistograms(std::span<const HistogramPoint> histograms, std::string* out) {
  std::vector<size_t> lengths;
  for (size_t i = 0; i < histograms.size(); ++i) {
    const bool same = i > 0 && SameLayout(histograms[i - 1], histograms[i]);
    if (same)
      ++lengths.back();
    else
      lengths.push_back(1);
  }
  PutVarint(out, lengths.size());
  size_t at = 0;
  for (const size_t length : lengths) {
    PutRun(histograms.subspan(at, length), out);
    at += length;
  }
}

bool DecodeHistograms(ByteReader* in, size_t count, HistogramPoint* out) {
  if (count > kMaxColumn) return in->Fail(), false;
  const uint64_t runs = in->Varint();
  if (!in->ok() || runs > count) return in->Fail(), false;
  size_t at = 0, cells = 0;
  for (uint64_t r = 0; r < runs; ++r) {
    const uint64_t length = in->Varint();
    if (!in->ok() || length == 0 || length > count - at) return in->Fail(), false;
    if (!ReadRun(in, {out + at, length}, &cells)) return false;
    at += length;
  }
  return at == count || (in->Fail(), false);
}

}  // namespace deucalion::tsdb
