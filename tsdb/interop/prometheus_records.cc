#include "tsdb/interop/prometheus_records.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"

namespace deucalion::tsdb {
namespace {

using Type = PrometheusRecordType;

double BigEndianDouble(ByteReader* in) { return std::bit_cast<double>(in->BigEndian64()); }
int64_t BigEndianInt(ByteReader* in) { return static_cast<int64_t>(in->BigEndian64()); }
// Wraps as Go's integers do: the sum of damaged numbers is no reason to crash.
int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

void ReadLabels(ByteReader* in, Labels* out) {
  const uint64_t count = in->Varint();
  std::string* bytes = out->mutable_bytes();
  bytes->clear();
  for (uint64_t i = 0; i < count && in->ok(); i++) {
    const std::string_view name = in->LengthPrefixed(), value = in->LengthPrefixed();
    if (name.size() > kMaxLabelBytes || value.size() > kMaxLabelBytes) {
      in->Fail();
      return;
    }
    // Prometheus drops empty values, too.
    if (!name.empty() && !value.empty()) AppendEncodedLabel(bytes, name, value);
  }
  if (in->ok() && !CheckEncodedLabels(*bytes)) in->Fail();
}

void ReadSeries(ByteReader* in, PrometheusRecord* out) {
  while (in->ok() && !in->done()) {
    RecordedSeries& s = out->series.emplace_back();
    s.ref = in->BigEndian64();
    ReadLabels(in, &s.labels);
  }
}

// Ref, time and start of each entry, in both forms; `body` reads what follows them.
template <typename Body>
void ReadRelative(ByteReader* in, Body body) {
  if (in->done()) return;
  const uint64_t ref = in->BigEndian64();
  const int64_t time_ms = BigEndianInt(in);
  while (in->ok() && !in->done()) {
    const int64_t ref_delta = in->SignedVarint();
    const int64_t time_delta = in->SignedVarint();
    body(ref + static_cast<uint64_t>(ref_delta), Plus(time_ms, time_delta), int64_t{0});
  }
}

template <typename Body>
void ReadWithStarts(ByteReader* in, Body body) {
  if (in->done()) return;
  int64_t ref = in->SignedVarint();
  const int64_t first_ms = in->SignedVarint(), first_st_ms = in->SignedVarint();
  int64_t time_ms = first_ms, st_ms = first_st_ms;
  for (;;) {
    body(static_cast<uint64_t>(ref), time_ms, st_ms);
    if (!in->ok() || in->done()) return;
    ref = Plus(ref, in->SignedVarint());
    time_ms = Plus(first_ms, in->SignedVarint());
    const uint8_t marker = in->U8();
    if (marker == 0) {
      st_ms = 0;
    } else if (marker != 1) {
      st_ms = Plus(first_st_ms, in->SignedVarint());
    }
  }
}

void ReadSpans(ByteReader* in, std::vector<BucketSpan>* spans) {
  const uint64_t count = in->Varint();
  // Two bytes each at least: a damaged count must not ask for memory.
  if (count > in->remaining() / 2) in->Fail();
  for (uint64_t i = 0; i < count && in->ok(); i++) {
    const int64_t offset = in->SignedVarint();
    const uint64_t length = in->Varint();
    if (offset < INT32_MIN || offset > INT32_MAX || length > UINT32_MAX) in->Fail();
    spans->push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
}

template <typename T, typename Read>
void ReadList(ByteReader* in, size_t least_bytes, std::vector<T>* out, Read read) {
  const uint64_t count = in->Varint();
  if (count > in->remaining() / least_bytes) in->Fail();
  for (uint64_t i = 0; i < count && in->ok(); i++) out->push_back(read(in));
}

int64_t ReadDelta(ByteReader* in) { return in->SignedVarint(); }

void ReadHead(ByteReader* in, ResetHint* hint, int32_t* schema, double* zero_threshold) {
  *hint = static_cast<ResetHint>(in->U8() & 3);
  const int64_t wide = in->SignedVarint();
  if (wide < INT32_MIN || wide > INT32_MAX) in->Fail();
  *schema = static_cast<int32_t>(wide);
  *zero_threshold = BigEndianDouble(in);
}

void ReadHistogram(ByteReader* in, IntHistogram* h) {
  ReadHead(in, &h->reset_hint, &h->schema, &h->zero_threshold);
  h->zero_count = in->Varint();
  h->count = in->Varint();
  h->sum = BigEndianDouble(in);
  ReadSpans(in, &h->positive_spans);
  ReadSpans(in, &h->negative_spans);
  ReadList(in, 1, &h->positive_buckets, ReadDelta);
  ReadList(in, 1, &h->negative_buckets, ReadDelta);
  if (h->UsesCustomBuckets()) ReadList(in, 8, &h->custom_values, BigEndianDouble);
}

void ReadHistogram(ByteReader* in, FloatHistogram* h) {
  ReadHead(in, &h->reset_hint, &h->schema, &h->zero_threshold);
  h->zero_count = BigEndianDouble(in);
  h->count = BigEndianDouble(in);
  h->sum = BigEndianDouble(in);
  ReadSpans(in, &h->positive_spans);
  ReadSpans(in, &h->negative_spans);
  ReadList(in, 8, &h->positive_buckets, BigEndianDouble);
  ReadList(in, 8, &h->negative_buckets, BigEndianDouble);
  if (h->UsesCustomBuckets()) ReadList(in, 8, &h->custom_values, BigEndianDouble);
}

// False: nobody could use it. Schemas finer than 8 are for later versions: they are reduced, as
// Prometheus does. A stale marker has a sum and nothing else, and is valid, too.
template <typename Histogram>
bool MakeUsable(Histogram* h) {
  const bool known = h->UsesCustomBuckets() || (h->schema >= kExponentialSchemaMin &&
                                                h->schema <= kExponentialSchemaMaxReserved);
  if (!known) return false;
  // The rules are those of every exponential schema; only the number would be refused.
  const int32_t schema = h->schema;
  h->schema = std::min(schema, kExponentialSchemaMax);
  if (!h->Validate().ok()) return false;
  h->schema = schema;
  if (schema > kExponentialSchemaMax) h->ReduceResolution(kExponentialSchemaMax);
  return true;
}

void ReadHistograms(ByteReader* in, bool is_float, bool with_starts, PrometheusRecord* out) {
  const auto body = [&](uint64_t ref, int64_t time_ms, int64_t st_ms) {
    RecordedHistogram& h = out->histograms.emplace_back();
    h.ref = ref;
    h.time_ms = time_ms;
    h.st_ms = st_ms;
    h.is_float = is_float;
    if (is_float) {
      ReadHistogram(in, &h.floating);
    } else {
      ReadHistogram(in, &h.integer);
    }
    if (in->ok() && (is_float ? MakeUsable(&h.floating) : MakeUsable(&h.integer))) return;
    out->histograms.pop_back();
    out->unusable_histograms++;
  };
  if (with_starts) {
    ReadWithStarts(in, body);
  } else {
    ReadRelative(in, body);
  }
}

void ReadTombstones(ByteReader* in, PrometheusRecord* out) {
  while (in->ok() && !in->done()) {
    RecordedTombstone& t = out->tombstones.emplace_back();
    t.ref = in->BigEndian64();
    t.min_ms = in->SignedVarint();
    t.max_ms = in->SignedVarint();
  }
}

void ReadExemplars(ByteReader* in, PrometheusRecord* out) {
  ReadRelative(in, [&](uint64_t ref, int64_t t, int64_t) {
    RecordedExemplar& e = out->exemplars.emplace_back();
    e.ref = ref;
    e.exemplar.time_ms = t;
    e.exemplar.has_time = true;
    e.exemplar.value = BigEndianDouble(in);
    ReadLabels(in, &e.exemplar.labels);
  });
}

void ReadMarkers(ByteReader* in, PrometheusRecord* out) {
  while (in->ok() && !in->done()) {
    RecordedMarker& m = out->markers.emplace_back();
    m.ref = in->BigEndian64();
    m.chunk = in->BigEndian64();
  }
}

// Prometheus numbers kinds otherwise than we do.
MetricKind KindOf(uint8_t number) {
  static constexpr MetricKind kKinds[] = {
      MetricKind::kUnknown,        MetricKind::kCounter, MetricKind::kGauge, MetricKind::kHistogram,
      MetricKind::kGaugeHistogram, MetricKind::kSummary, MetricKind::kInfo,  MetricKind::kStateset};
  return number < std::size(kKinds) ? kKinds[number] : MetricKind::kUnknown;
}

void ReadMetadata(ByteReader* in, PrometheusRecord* out) {
  while (in->ok() && !in->done()) {
    RecordedMetadata& m = out->metadata.emplace_back();
    m.ref = in->Varint();
    m.metadata.kind = KindOf(in->U8());
    const uint64_t fields = in->Varint();
    for (uint64_t i = 0; i < fields && in->ok(); i++) {
      const std::string_view name = in->LengthPrefixed(), value = in->LengthPrefixed();
      if (name == "UNIT") m.metadata.unit = value;
      if (name == "HELP") m.metadata.help = value;
    }
  }
}

void Clear(PrometheusRecord* out) {
  out->series.clear();
  out->samples.clear();
  out->histograms.clear();
  out->tombstones.clear();
  out->exemplars.clear();
  out->metadata.clear();
  out->markers.clear();
  out->min_valid_ms = 0;
  out->unusable_histograms = 0;
}

// False: a type of a later version.
bool ReadBody(ByteReader* in, PrometheusRecord* out) {
  const auto sample = [&](uint64_t ref, int64_t t, int64_t st) {
    out->samples.push_back({ref, t, st, BigEndianDouble(in)});
  };
  switch (out->type) {
    case Type::kSeries:
      ReadSeries(in, out);
      return true;
    case Type::kSamples:
      ReadRelative(in, sample);
      return true;
    case Type::kSamplesWithStart:
      ReadWithStarts(in, sample);
      return true;
    case Type::kTombstones:
      ReadTombstones(in, out);
      return true;
    case Type::kExemplars:
      ReadExemplars(in, out);
      return true;
    case Type::kMmapMarkers:
      ReadMarkers(in, out);
      return true;
    case Type::kMetadata:
      ReadMetadata(in, out);
      return true;
    case Type::kHistograms:
    case Type::kCustomHistograms:
      ReadHistograms(in, false, false, out);
      return true;
    case Type::kFloatHistograms:
    case Type::kCustomFloatHistograms:
      ReadHistograms(in, true, false, out);
      return true;
    case Type::kHistogramsWithStart:
      ReadHistograms(in, false, true, out);
      return true;
    case Type::kFloatHistogramsWithStart:
      ReadHistograms(in, true, true, out);
      return true;
    case Type::kMinValidTime:
      out->min_valid_ms = BigEndianInt(in);
      return true;
  }
  return false;
}

}  // namespace

Status DecodePrometheusRecord(std::string_view bytes, PrometheusRecord* out) {
  Clear(out);
  ByteReader in(bytes);
  out->type = static_cast<Type>(in.U8());
  const auto what = [&] { return "record of type " + std::to_string(static_cast<int>(out->type)); };
  if (in.ok() && !ReadBody(&in, out)) return UnimplementedError(what() + " is not supported yet");
  if (in.ok() && in.done()) return OkStatus();
  Clear(out);
  return CorruptError(what() + " does not decode");
}

}  // namespace deucalion::tsdb
