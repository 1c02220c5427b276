//   zero threshold   1 byte: 0, or 1..254 for 2^-243 .. 2^10, or 255 and a float64
//   schema           varbit
//   positive spans   varbit count, then length (unsigned) and offset (signed) of each
//   negative spans   the same
//   custom bounds    only for schema -53: varbit count, then each: bound * 1000 + 1 as varbit when
//   that
//                    is a whole number up to 33554431, else a 0 bit and a float64
#include "tsdb/chunk/chunk_layout.h"

#include <cmath>

namespace deucalion::tsdb {
namespace {

constexpr int kThresholdExponentBias = 243;
constexpr uint64_t kRawThreshold = 255;
// Schemas that Prometheus reserves for exponential buckets: read, and reduced when too fine.
constexpr int32_t kExponentialSchemaMinReserved = -9;
// Up to here a bound takes at most four bytes.
constexpr double kMaxShortBound = 33554430;

void WriteThreshold(double threshold, BitWriter* out) {
  int exponent = 0;
  const double fraction = std::frexp(threshold, &exponent);
  if (threshold == 0) {
    out->Bits(0, 8);
  } else if (fraction == 0.5 && exponent >= -242 && exponent <= 11) {
    out->Bits(static_cast<uint64_t>(exponent + kThresholdExponentBias), 8);
  } else {
    out->Bits(kRawThreshold, 8);
    out->Double(threshold);
  }
}

double ReadThreshold(BitReader* in) {
  const uint64_t byte = in->Bits(8);
  if (byte == 0) return 0;
  if (byte == kRawThreshold) return in->Double();
  return std::ldexp(0.5, static_cast<int>(byte) - kThresholdExponentBias);
}

void WriteSpans(const Spans& spans, BitWriter* out) {
  out->VarbitUnsigned(spans.size());
  for (const BucketSpan& span : spans) {
    out->VarbitUnsigned(span.length);
    out->Varbit(span.offset);
  }
}

Spans ReadSpans(BitReader* in) {
  Spans spans;
  const uint64_t count = in->VarbitUnsigned();
  for (uint64_t i = 0; i < count && in->ok(); i++) {
    const uint64_t length = in->VarbitUnsigned();
    const int64_t offset = in->Varbit();
    if (!in->ok()) break;
    spans.push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  return spans;
}

void WriteBound(double bound, BitWriter* out) {
  const double thousandths = bound * 1000;
  const bool in_range = thousandths >= 0 && thousandths <= kMaxShortBound;
  if (in_range && std::round(thousandths) / 1000 == bound) {
    out->VarbitUnsigned(static_cast<uint64_t>(std::round(thousandths)) + 1);
  } else {
    out->Bit(false);
    out->Double(bound);
  }
}

double ReadBound(BitReader* in) {
  const uint64_t coded = in->VarbitUnsigned();
  return coded == 0 ? in->Double() : static_cast<double>(coded - 1) / 1000;
}

std::vector<double> ReadBounds(BitReader* in) {
  std::vector<double> bounds;
  const uint64_t count = in->VarbitUnsigned();
  for (uint64_t i = 0; i < count && in->ok(); i++) bounds.push_back(ReadBound(in));
  return bounds;
}

bool IsKnownSchema(int64_t schema) {
  return schema == kCustomBucketsSchema ||
         (schema >= kExponentialSchemaMinReserved && schema <= kExponentialSchemaMaxReserved);
}

}  // namespace

void WriteLayout(const ChunkLayout& layout, BitWriter* out) {
  WriteThreshold(layout.zero_threshold, out);
  out->Varbit(layout.schema);
  WriteSpans(layout.positive, out);
  WriteSpans(layout.negative, out);
  if (layout.schema != kCustomBucketsSchema) return;
  out->VarbitUnsigned(layout.custom_values.size());
  for (const double bound : layout.custom_values) WriteBound(bound, out);
}

Result<ChunkLayout> ReadLayout(BitReader* in, unsigned least_bucket_bits) {
  ChunkLayout layout;
  layout.zero_threshold = ReadThreshold(in);
  const int64_t schema = in->Varbit();
  if (in->ok() && !IsKnownSchema(schema)) {
    return CorruptError(
        "histogram has an unknown schema, which must be between -9 and 52 for "
        "exponential buckets, or -53 for custom buckets, got schema " +
        std::to_string(schema));
  }
  layout.schema = static_cast<int32_t>(schema);
  layout.positive = ReadSpans(in);
  layout.negative = ReadSpans(in);
  if (layout.schema == kCustomBucketsSchema) layout.custom_values = ReadBounds(in);
  if (!in->ok()) return CorruptError("histogram chunk: layout ends early");
  const uint64_t buckets = CountBuckets(layout.positive) + CountBuckets(layout.negative);
  if (buckets > in->remaining_bits() / least_bucket_bits) {
    return CorruptError("histogram chunk: layout has more buckets than the chunk has room for: " +
                        std::to_string(buckets));
  }
  return layout;
}

uint64_t CountBuckets(const Spans& spans) {
  uint64_t n = 0;
  for (const BucketSpan& span : spans) n += span.length;
  return n;
}

Spans UnionOfSpans(const Spans& a, const Spans& b) {
  histogram_internal::SpanBuilder out;
  auto x = WalkBuckets(a), y = WalkBuckets(b);
  while (x.Valid() || y.Valid()) {
    const bool take_x = x.Valid() && (!y.Valid() || x.index() <= y.index());
    const bool take_y = y.Valid() && (!x.Valid() || y.index() <= x.index());
    out.Append(take_x ? x.index() : y.index());
    if (take_x) x.Next();
    if (take_y) y.Next();
  }
  return out.Take();
}

}  // namespace deucalion::tsdb
