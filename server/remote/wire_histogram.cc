#include "server/remote/wire_histogram.h"

#include "server/remote/wire.h"

namespace deucalion::remote {
namespace {

// Field numbers of message Histogram.
enum Field : uint32_t {
  kCountInt = 1,
  kCountFloat = 2,
  kSum = 3,
  kSchema = 4,
  kZeroThreshold = 5,
  kZeroCountInt = 6,
  kZeroCountFloat = 7,
  kNegativeSpans = 8,
  kNegativeDeltas = 9,
  kNegativeCounts = 10,
  kPositiveSpans = 11,
  kPositiveDeltas = 12,
  kPositiveCounts = 13,
  kResetHint = 14,
  kTimestamp = 15,
  kCustomValues = 16,
  kStartTimestamp = 17,
};

bool ParseSpan(std::string_view bytes, std::vector<BucketSpan>* spans) {
  BucketSpan span;
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case 1:
        span.offset = static_cast<int32_t>(in.SInt64());
        break;
      case 2:
        span.length = static_cast<uint32_t>(in.Varint());
        break;
      default:
        in.Skip();
    }
  }
  spans->push_back(span);
  return in.ok();
}

// The two flavours share everything but the types of counts.
struct Parts {
  ResetHint hint = ResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  double sum = 0;
  uint64_t count_int = 0, zero_int = 0;
  double count_float = 0, zero_float = 0;
  bool is_float = false;
  std::vector<BucketSpan> negative_spans, positive_spans;
  std::vector<int64_t> negative_deltas, positive_deltas;
  std::vector<double> negative_counts, positive_counts, custom_values;
};

bool ParseBuckets(WireReader& in, Parts* p) {
  const auto delta_to = [](std::vector<int64_t>* list) {
    return [list](uint64_t v) { list->push_back(WireReader::UnZigZag(v)); };
  };
  const auto count_to = [](std::vector<double>* list) {
    return [list](double v) { list->push_back(v); };
  };
  switch (in.field()) {
    case kNegativeSpans:
      return ParseSpan(in.Bytes(), &p->negative_spans);
    case kPositiveSpans:
      return ParseSpan(in.Bytes(), &p->positive_spans);
    case kNegativeDeltas:
      in.RepeatedVarint(delta_to(&p->negative_deltas));
      return true;
    case kPositiveDeltas:
      in.RepeatedVarint(delta_to(&p->positive_deltas));
      return true;
    case kNegativeCounts:
      in.RepeatedDouble(count_to(&p->negative_counts));
      return true;
    case kPositiveCounts:
      in.RepeatedDouble(count_to(&p->positive_counts));
      return true;
    case kCustomValues:
      in.RepeatedDouble(count_to(&p->custom_values));
      return true;
    default:
      in.Skip();
      return true;
  }
}

void Deliver(Parts p, WireHistogram* out) {
  out->is_float = p.is_float;
  const auto common = [&p](auto* h) {
    h->reset_hint = p.hint;
    h->schema = p.schema;
    h->zero_threshold = p.zero_threshold;
    h->sum = p.sum;
    h->positive_spans = std::move(p.positive_spans);
    h->negative_spans = std::move(p.negative_spans);
    h->custom_values = std::move(p.custom_values);
  };
  if (p.is_float) {
    common(&out->floating);
    out->floating.count = p.count_float;
    out->floating.zero_count = p.zero_float;
    out->floating.positive_buckets = std::move(p.positive_counts);
    out->floating.negative_buckets = std::move(p.negative_counts);
  } else {
    common(&out->integer);
    out->integer.count = p.count_int;
    out->integer.zero_count = p.zero_int;
    out->integer.positive_buckets = std::move(p.positive_deltas);
    out->integer.negative_buckets = std::move(p.negative_deltas);
  }
}

}  // namespace

bool ParseHistogram(std::string_view bytes, WireHistogram* out) {
  Parts p;
  WireReader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case kCountInt:
        p.count_int = in.Varint();
        p.is_float = false;
        break;
      case kCountFloat:
        p.count_float = in.Double();
        p.is_float = true;
        break;
      case kSum:
        p.sum = in.Double();
        break;
      case kSchema:
        p.schema = static_cast<int32_t>(in.SInt64());
        break;
      case kZeroThreshold:
        p.zero_threshold = in.Double();
        break;
      case kZeroCountInt:
        p.zero_int = in.Varint();
        break;
      case kZeroCountFloat:
        p.zero_float = in.Double();
        break;
      case kResetHint: {
        const uint64_t hint = in.Varint();
        p.hint = hint <= 3 ? static_cast<ResetHint>(hint) : ResetHint::kUnknown;
        break;
      }
      case kTimestamp:
        out->time_ms = in.Int64();
        break;
      case kStartTimestamp:
        out->st_ms = in.Int64();
        break;
      default:
        if (!ParseBuckets(in, &p)) return false;
    }
  }
  if (!in.ok()) return false;
  Deliver(std::move(p), out);
  return true;
}

}  // namespace deucalion::remote
