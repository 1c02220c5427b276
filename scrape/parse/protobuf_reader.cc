#include "scrape/parse/protobuf_reader.h"

#include "base/bytes.h"

namespace deucalion::scrape {
namespace {

enum WireType { kVarintField = 0, kFixed64Field = 1, kBytesField = 2, kFixed32Field = 5 };

// Walks the fields of one message. A field of a wire type that its number does not have fails.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : reader_(bytes) {}

  bool Next() {
    if (reader_.done()) return false;
    const uint64_t tag = reader_.Varint();
    number_ = tag >> 3;
    wire_ = tag & 7;
    if (number_ == 0) reader_.Fail();
    return reader_.ok();
  }
  uint64_t number() const { return number_; }

  uint64_t Varint() { return Expect(kVarintField) ? reader_.Varint() : 0; }
  int64_t ZigZag() {
    const uint64_t u = Varint();
    return static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1);
  }
  double Double() { return Expect(kFixed64Field) ? reader_.Double() : 0; }
  std::string_view Bytes() {
    return Expect(kBytesField) ? reader_.LengthPrefixed() : std::string_view();
  }
  // Repeated sint64 and double, packed or one by one.
  void ZigZags(std::vector<int64_t>* out) {
    if (wire_ == kVarintField) {
      out->push_back(ZigZag());
      return;
    }
    ByteReader packed(Bytes());
    while (!packed.done()) out->push_back(packed.SignedVarint());
    if (!packed.ok()) reader_.Fail();
  }
  void Doubles(std::vector<double>* out) {
    if (wire_ == kFixed64Field) {
      out->push_back(Double());
      return;
    }
    ByteReader packed(Bytes());
    while (!packed.done()) out->push_back(packed.Double());
    if (!packed.ok()) reader_.Fail();
  }
  void Skip() {
    switch (wire_) {
      case kVarintField:
        reader_.Varint();
        break;
      case kFixed64Field:
        reader_.Fixed64();
        break;
      case kBytesField:
        reader_.LengthPrefixed();
        break;
      case kFixed32Field:
        reader_.Fixed32();
        break;
      default:
        reader_.Fail();
    }
  }
  void Fail() { reader_.Fail(); }
  bool ok() const { return reader_.ok(); }

 private:
  bool Expect(uint64_t wire) {
    if (wire_ != wire) reader_.Fail();
    return wire_ == wire;
  }

  ByteReader reader_;
  uint64_t number_ = 0;
  uint64_t wire_ = 0;
};

bool ReadLabel(std::string_view bytes, ProtoLabels* labels) {
  std::string_view name;
  std::string_view value;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        name = f.Bytes();
        break;
      case 2:
        value = f.Bytes();
        break;
      default:
        f.Skip();
    }
  }
  labels->emplace_back(name, value);
  return f.ok();
}

// google.protobuf.Timestamp -> ms.
bool ReadTimestamp(std::string_view bytes, int64_t* ms) {
  uint64_t seconds = 0;
  int64_t nanos = 0;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        seconds = f.Varint();
        break;
      case 2:
        nanos = static_cast<int32_t>(f.Varint());
        break;
      default:
        f.Skip();
    }
  }
  *ms = static_cast<int64_t>(seconds * 1000) + nanos / 1'000'000;
  return f.ok();
}

bool ReadExemplar(std::string_view bytes, ProtoExemplar* e) {
  *e = ProtoExemplar();
  bool ok = true;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        ok &= ReadLabel(f.Bytes(), &e->labels);
        break;
      case 2:
        e->value = f.Double();
        break;
      case 3:
        e->has_time = true;
        ok &= ReadTimestamp(f.Bytes(), &e->time_ms);
        break;
      default:
        f.Skip();
    }
  }
  return ok && f.ok();
}

bool ReadBucket(std::string_view bytes, ProtoBucket* b) {
  bool ok = true;
  double float_count = 0;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        b->cumulative_count = static_cast<double>(f.Varint());
        break;
      case 2:
        b->upper_bound = f.Double();
        break;
      case 3:
        b->has_exemplar = true;
        ok &= ReadExemplar(f.Bytes(), &b->exemplar);
        break;
      case 4:
        float_count = f.Double();
        break;
      default:
        f.Skip();
    }
  }
  if (float_count != 0) b->cumulative_count = float_count;
  return ok && f.ok();
}

bool ReadSpan(std::string_view bytes, std::vector<BucketSpan>* spans) {
  BucketSpan span;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        span.offset = static_cast<int32_t>(f.ZigZag());
        break;
      case 2:
        span.length = static_cast<uint32_t>(f.Varint());
        break;
      default:
        f.Skip();
    }
  }
  spans->push_back(span);
  return f.ok();
}

bool ReadHistogram(std::string_view bytes, ProtoHistogram* h, int64_t* start_ms) {
  bool ok = true;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        h->sample_count = f.Varint();
        break;
      case 2:
        h->sample_sum = f.Double();
        break;
      case 3:
        ok &= ReadBucket(f.Bytes(), &h->buckets.emplace_back());
        break;
      case 4:
        h->sample_count_float = f.Double();
        break;
      case 5:
        h->schema = static_cast<int32_t>(f.ZigZag());
        break;
      case 6:
        h->zero_threshold = f.Double();
        break;
      case 7:
        h->zero_count = f.Varint();
        break;
      case 8:
        h->zero_count_float = f.Double();
        break;
      case 9:
        ok &= ReadSpan(f.Bytes(), &h->negative_spans);
        break;
      case 10:
        f.ZigZags(&h->negative_deltas);
        break;
      case 11:
        f.Doubles(&h->negative_counts);
        break;
      case 12:
        ok &= ReadSpan(f.Bytes(), &h->positive_spans);
        break;
      case 13:
        f.ZigZags(&h->positive_deltas);
        break;
      case 14:
        f.Doubles(&h->positive_counts);
        break;
      case 15:
        ok &= ReadTimestamp(f.Bytes(), start_ms);
        break;
      case 16:
        ok &= ReadExemplar(f.Bytes(), &h->exemplars.emplace_back());
        break;
      default:
        f.Skip();
    }
  }
  return ok && f.ok();
}

bool ReadQuantile(std::string_view bytes, std::pair<double, double>* q) {
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        q->first = f.Double();
        break;
      case 2:
        q->second = f.Double();
        break;
      default:
        f.Skip();
    }
  }
  return f.ok();
}

bool ReadSummary(std::string_view bytes, ProtoMetric* m) {
  bool ok = true;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        m->summary_count = f.Varint();
        break;
      case 2:
        m->summary_sum = f.Double();
        break;
      case 3:
        ok &= ReadQuantile(f.Bytes(), &m->quantiles.emplace_back());
        break;
      case 4:
        ok &= ReadTimestamp(f.Bytes(), &m->start_ms);
        break;
      default:
        f.Skip();
    }
  }
  return ok && f.ok();
}

// Counter, and the one field of Gauge and Untyped.
bool ReadScalar(std::string_view bytes, ProtoMetric* m) {
  bool ok = true;
  m->value = 0;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        m->value = f.Double();
        break;
      case 2:
        m->has_exemplar = true;
        ok &= ReadExemplar(f.Bytes(), &m->exemplar);
        break;
      case 3:
        ok &= ReadTimestamp(f.Bytes(), &m->start_ms);
        break;
      default:
        f.Skip();
    }
  }
  return ok && f.ok();
}

Status Malformed(std::string_view what) {
  return InvalidArgumentError("protobufparse: malformed " + std::string(what));
}

}  // namespace

void ProtoMetric::Clear() {
  labels.clear();
  value = 0;
  has_exemplar = false;
  summary_count = 0;
  summary_sum = 0;
  quantiles.clear();
  histogram = ProtoHistogram();
  start_ms = 0;
  timestamp_ms = 0;
}

Status ReadProtoFamily(std::string_view* body, ProtoFamily* family) {
  ByteReader outer(*body);
  const uint64_t size = outer.Varint();
  if (!outer.ok()) return InvalidArgumentError("protobufparse: invalid varint encountered");
  if (size > outer.remaining()) {
    return InvalidArgumentError("protobufparse: insufficient length of buffer, expected at least " +
                                std::to_string(size) + " bytes, got " +
                                std::to_string(outer.remaining()) + " bytes");
  }
  const std::string_view bytes = outer.Bytes(size);
  body->remove_prefix(outer.offset());
  *family = ProtoFamily{.metrics = std::move(family->metrics)};
  family->metrics.clear();
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        family->name = f.Bytes();
        break;
      case 2:
        family->help = f.Bytes();
        break;
      case 3:
        family->type = f.Varint();
        break;
      case 4:
        family->metrics.push_back(f.Bytes());
        break;
      case 5:
        family->unit = f.Bytes();
        break;
      default:
        f.Skip();
    }
  }
  return f.ok() ? OkStatus() : Malformed("MetricFamily");
}

Status ReadProtoMetric(std::string_view bytes, ProtoMetric* m) {
  m->Clear();
  bool ok = true;
  Fields f(bytes);
  while (f.Next()) {
    switch (f.number()) {
      case 1:
        ok &= ReadLabel(f.Bytes(), &m->labels);
        break;
      case 2:
      case 3:
      case 5:
        ok &= ReadScalar(f.Bytes(), m);
        break;
      case 4:
        ok &= ReadSummary(f.Bytes(), m);
        break;
      case 6:
        m->timestamp_ms = static_cast<int64_t>(f.Varint());
        break;
      case 7:
        ok &= ReadHistogram(f.Bytes(), &m->histogram, &m->start_ms);
        break;
      default:
        f.Skip();
    }
  }
  return ok && f.ok() ? OkStatus() : Malformed("Metric");
}

}  // namespace deucalion::scrape
