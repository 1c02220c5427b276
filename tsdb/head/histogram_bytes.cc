#include "tsdb/head/histogram_bytes.h"

#include "base/bytes.h"

namespace deucalion::tsdb {
namespace {

void PutSpans(std::string* out, const std::vector<BucketSpan>& spans) {
  PutVarint(out, spans.size());
  for (const BucketSpan& s : spans) {
    PutSignedVarint(out, s.offset);
    PutVarint(out, s.length);
  }
}

bool GetSpans(ByteReader* in, std::vector<BucketSpan>* spans) {
  const uint64_t n = in->Varint();
  if (n > in->remaining()) return false;
  spans->resize(n);
  for (BucketSpan& s : *spans) {
    s.offset = static_cast<int32_t>(in->SignedVarint());
    s.length = static_cast<uint32_t>(in->Varint());
  }
  return in->ok();
}

void PutDoubles(std::string* out, const std::vector<double>& values) {
  PutVarint(out, values.size());
  for (const double v : values) PutDouble(out, v);
}

bool GetDoubles(ByteReader* in, std::vector<double>* values) {
  const uint64_t n = in->Varint();
  if (n > in->remaining() / 8) return false;
  values->resize(n);
  for (double& v : *values) v = in->Double();
  return in->ok();
}

void PutDeltas(std::string* out, const std::vector<int64_t>& values) {
  PutVarint(out, values.size());
  for (const int64_t v : values) PutSignedVarint(out, v);
}

bool GetDeltas(ByteReader* in, std::vector<int64_t>* values) {
  const uint64_t n = in->Varint();
  if (n > in->remaining()) return false;
  values->resize(n);
  for (int64_t& v : *values) v = in->SignedVarint();
  return in->ok();
}

template <typename H>
void PutHead(const H& h, std::string* out) {
  PutU8(out, static_cast<uint8_t>(h.reset_hint));
  PutSignedVarint(out, h.schema);
  PutDouble(out, h.zero_threshold);
  PutDouble(out, h.sum);
  PutSpans(out, h.positive_spans);
  PutSpans(out, h.negative_spans);
  PutDoubles(out, h.custom_values);
}

template <typename H>
bool GetHead(ByteReader* in, H* h) {
  const uint8_t hint = in->U8();
  if (hint > static_cast<uint8_t>(ResetHint::kGauge)) return false;
  h->reset_hint = static_cast<ResetHint>(hint);
  h->schema = static_cast<int32_t>(in->SignedVarint());
  h->zero_threshold = in->Double();
  h->sum = in->Double();
  return GetSpans(in, &h->positive_spans) && GetSpans(in, &h->negative_spans) &&
         GetDoubles(in, &h->custom_values);
}

// Sizes that later arithmetic relies on: as many buckets as the spans say.
template <typename H>
bool BucketsMatchSpans(const H& h) {
  const auto total = [](const std::vector<BucketSpan>& spans) {
    uint64_t n = 0;
    for (const BucketSpan& s : spans) n += s.length;
    return n;
  };
  return total(h.positive_spans) == h.positive_buckets.size() &&
         total(h.negative_spans) == h.negative_buckets.size();
}

}  // namespace

void EncodeHistogram(const IntHistogram& h, std::string* out) {
  PutHead(h, out);
  PutVarint(out, h.zero_count);
  PutVarint(out, h.count);
  PutDeltas(out, h.positive_buckets);
  PutDeltas(out, h.negative_buckets);
}

void EncodeHistogram(const FloatHistogram& h, std::string* out) {
  PutHead(h, out);
  PutDouble(out, h.zero_count);
  PutDouble(out, h.count);
  PutDoubles(out, h.positive_buckets);
  PutDoubles(out, h.negative_buckets);
}

Result<IntHistogram> DecodeIntHistogram(std::string_view bytes) {
  ByteReader in(bytes);
  IntHistogram h;
  bool ok = GetHead(&in, &h);
  h.zero_count = in.Varint();
  h.count = in.Varint();
  ok = ok && GetDeltas(&in, &h.positive_buckets) && GetDeltas(&in, &h.negative_buckets);
  if (!ok || !in.ok() || !in.done() || !BucketsMatchSpans(h)) {
    return CorruptError("integer histogram does not decode");
  }
  return h;
}

Result<FloatHistogram> DecodeHistogram(std::string_view bytes, bool is_float) {
  if (!is_float) {
    ASSIGN_OR_RETURN(const IntHistogram integer, DecodeIntHistogram(bytes));
    return integer.ToFloat();
  }
  ByteReader in(bytes);
  FloatHistogram h;
  bool ok = GetHead(&in, &h);
  h.zero_count = in.Double();
  h.count = in.Double();
  ok = ok && GetDoubles(&in, &h.positive_buckets) && GetDoubles(&in, &h.negative_buckets);
  if (!ok || !in.ok() || !in.done() || !BucketsMatchSpans(h)) {
    return CorruptError("float histogram does not decode");
  }
  return h;
}

}  // namespace deucalion::tsdb
