#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/wal/frame.h"
#include "tsdb/wal/frame_format.h"

namespace deucalion::tsdb::wal {

struct FrameEncoder::Compressor {
  Compressor() : context(ZSTD_createCCtx()) {}
  ~Compressor() { ZSTD_freeCCtx(context); }
  ZSTD_CCtx* context;
};

FrameEncoder::FrameEncoder() : compressor_(std::make_unique<Compressor>()) {}
FrameEncoder::~FrameEncoder() = default;

void FrameEncoder::Column::Grow(size_t n) {
  const size_t want = std::max({end + n, capacity * 2, size_t{4096}});
  auto bigger = std::make_unique_for_overwrite<char[]>(want);
  if (end > 0) std::memcpy(bigger.get(), bytes.get(), end);
  bytes = std::move(bigger);
  capacity = want;
}

void FrameEncoder::TimeRuns::Flush() {
  if (length == 0) return;
  out.Varint(
      ZigZag(static_cast<int64_t>(static_cast<uint64_t>(current) - static_cast<uint64_t>(base))));
  out.Varint(length);
  base = current;
  length = 0;
}

void FrameEncoder::TimeRuns::Clear() {
  out.end = 0;
  base = current = 0;
  length = 0;
}

void FrameEncoder::SampleColumns::Clear() {
  ids.end = 0;
  times.Clear();
  values.end = 0;
  starts.Clear();
  count = starts_count = 0;
  previous = 0;
}

void FrameEncoder::Begin(StreamShape shape, uint32_t segment) {
  stream_bits_ = static_cast<uint32_t>(std::countr_zero(shape.streams));
  segment_ = segment;
  for (Section* s :
       {&series_, &histograms_, &late_histograms_, &exemplars_, &metadata_, &deletions_}) {
    s->bytes.clear();
    s->count = s->previous = 0;
  }
  samples_.Clear();
  late_.Clear();
}

void FrameEncoder::AddSeries(uint64_t id, std::string_view encoded_labels) {
  PutVarint(&series_.bytes, IdDelta(id, &series_.previous));
  PutLengthPrefixed(&series_.bytes, encoded_labels);
  series_.count++;
}

void FrameEncoder::SampleColumns::SetStart(int64_t st_ms) {
  // Those before that had none.
  for (; starts_count + 1 < count; starts_count++) starts.Add(0);
  starts.Add(st_ms);
  starts_count++;
}

void FrameEncoder::AddLate(uint64_t id, int64_t time_ms, double value, int64_t st_ms) {
  late_.Add(*this, id, time_ms);
  std::memcpy(late_.values.Room(8), &value, 8);
  late_.values.end += 8;
  if (st_ms != 0) late_.SetStart(st_ms);
}

void FrameEncoder::PutHistogram(Section* section, uint64_t id, int64_t time_ms, int64_t st_ms,
                                bool is_float, std::string_view bytes) {
  std::string* out = &section->bytes;
  PutVarint(out, IdDelta(id, &section->previous));
  PutSignedVarint(out, time_ms);
  PutSignedVarint(out, st_ms);
  PutU8(out, is_float);
  PutLengthPrefixed(out, bytes);
  section->count++;
}

void FrameEncoder::AddExemplar(uint64_t id, const Exemplar& exemplar) {
  std::string* out = &exemplars_.bytes;
  PutVarint(out, IdDelta(id, &exemplars_.previous));
  PutSignedVarint(out, exemplar.time_ms);
  PutU8(out, exemplar.has_time);
  PutDouble(out, exemplar.value);
  PutLengthPrefixed(out, exemplar.labels.bytes());
  exemplars_.count++;
}

void FrameEncoder::AddMetadata(uint64_t id, const Metadata& metadata) {
  std::string* out = &metadata_.bytes;
  PutVarint(out, IdDelta(id, &metadata_.previous));
  PutU8(out, static_cast<uint8_t>(metadata.kind));
  PutLengthPrefixed(out, metadata.unit);
  PutLengthPrefixed(out, metadata.help);
  metadata_.count++;
}

void FrameEncoder::AddDeletion(uint64_t id, int64_t min_ms, int64_t max_ms) {
  std::string* out = &deletions_.bytes;
  PutVarint(out, IdDelta(id, &deletions_.previous));
  PutSignedVarint(out, min_ms);
  PutSignedVarint(out, max_ms);
  deletions_.count++;
}

bool FrameEncoder::empty() const { return body_bytes() == 0; }

size_t FrameEncoder::body_bytes() const {
  return series_.bytes.size() + histograms_.bytes.size() + late_histograms_.bytes.size() +
         exemplars_.bytes.size() + metadata_.bytes.size() + deletions_.bytes.size() +
         samples_.ids.end + samples_.values.end + late_.ids.end + late_.values.end;
}

void FrameEncoder::PutSection(uint8_t kind, Section* section) {
  if (section->count == 0) return;
  std::string count;
  PutVarint(&count, section->count);
  PutU8(&body_, kind);
  PutVarint(&body_, count.size() + section->bytes.size());
  body_ += count;
  body_ += section->bytes;
}

void FrameEncoder::PutSamples(uint8_t kind, SampleColumns* c) {
  if (c->count == 0) return;
  c->times.Flush();
  std::string counts;
  PutVarint(&counts, c->count);
  PutVarint(&counts, c->ids.end);
  std::string times_size;
  PutVarint(&times_size, c->times.out.end);
  PutU8(&body_, kind);
  PutVarint(&body_,
            counts.size() + c->ids.end + times_size.size() + c->times.out.end + c->values.end);
  body_ += counts;
  body_.append(c->ids.bytes.get(), c->ids.end);
  body_ += times_size;
  body_.append(c->times.out.bytes.get(), c->times.out.end);
  body_.append(c->values.bytes.get(), c->values.end);
  if (c->starts_count == 0) return;
  for (; c->starts_count < c->count; c->starts_count++) c->starts.Add(0);
  c->starts.Flush();
  PutU8(&body_, kStartsSection);
  PutVarint(&body_, c->starts.out.end);
  body_.append(c->starts.out.bytes.get(), c->starts.out.end);
}

void FrameEncoder::Finish(std::string* out) {
  body_.clear();
  PutSection(kSeriesSection, &series_);
  PutSamples(kSamplesSection, &samples_);
  PutSection(kHistogramsSection, &histograms_);
  PutSamples(kLateSection, &late_);
  PutSection(kLateHistogramsSection, &late_histograms_);
  PutSection(kExemplarsSection, &exemplars_);
  PutSection(kMetadataSection, &metadata_);
  PutSection(kDeletionsSection, &deletions_);
  Compress(out);
}

void FrameEncoder::Compress(std::string* out) {
  const size_t header = out->size();
  out->resize(header + kFrameHeaderBytes);
  bool compressed = false;
  if (body_.size() >= kCompressFromBytes) {
    PutU8(out, kFlagZstd);
    PutVarint(out, body_.size());
    const size_t at = out->size();
    const size_t bound = ZSTD_compressBound(body_.size());
    out->resize(at + bound);
    const size_t n = ZSTD_compressCCtx(compressor_->context, out->data() + at, bound, body_.data(),
                                       body_.size(), 1);
    compressed = !ZSTD_isError(n) && n < body_.size();
    out->resize(compressed ? at + n : header + kFrameHeaderBytes);
  }
  if (!compressed) {
    PutU8(out, 0);
    *out += body_;
  }
  const std::string_view payload = std::string_view(*out).substr(header + kFrameHeaderBytes);
  const auto length = static_cast<uint32_t>(payload.size());
  const uint32_t crc = Crc32c(payload);
  std::memcpy(out->data() + header, &length, 4);
  std::memcpy(out->data() + header + 4, &crc, 4);
}

}  // namespace deucalion::tsdb::wal
