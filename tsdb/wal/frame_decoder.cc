#include <zstd.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
#include "tsdb/wal/frame.h"
#include "tsdb/wal/frame_format.h"

namespace deucalion::tsdb::wal {

// ---- IdTable ----

IdTable::Entry* IdTable::Find(uint64_t id) {
  if (last_ + 1 < entries_.size() && entries_[last_ + 1].id == id) return &entries_[++last_];
  if (entries_.empty()) return nullptr;
  if (entries_[last_].id == id) return &entries_[last_];
  const size_t mask = buckets_.size() - 1;
  for (size_t i = (id * 0x9e3779b97f4a7c15ull >> 20) & mask; buckets_[i] != 0; i = (i + 1) & mask) {
    if (entries_[buckets_[i] - 1].id != id) continue;
    last_ = buckets_[i] - 1;
    return &entries_[last_];
  }
  return nullptr;
}

IdTable::Entry* IdTable::Add(uint64_t id) {
  if (Entry* found = Find(id)) return found;
  if ((entries_.size() + 1) * 2 > buckets_.size()) {
    Rehash(std::max<size_t>(64, buckets_.size() * 2));
  }
  entries_.push_back({.id = id});
  last_ = entries_.size() - 1;
  const size_t mask = buckets_.size() - 1;
  size_t i = (id * 0x9e3779b97f4a7c15ull >> 20) & mask;
  while (buckets_[i] != 0) i = (i + 1) & mask;
  buckets_[i] = static_cast<uint32_t>(entries_.size());
  return &entries_.back();
}

void IdTable::Reserve(size_t n) {
  entries_.reserve(n);
  size_t want = 64;
  while (want < n * 2) want *= 2;
  if (want > buckets_.size()) Rehash(want);
}

void IdTable::Rehash(size_t buckets) {
  buckets_.assign(buckets, 0);
  const size_t mask = buckets - 1;
  for (size_t e = 0; e < entries_.size(); e++) {
    size_t i = (entries_[e].id * 0x9e3779b97f4a7c15ull >> 20) & mask;
    while (buckets_[i] != 0) i = (i + 1) & mask;
    buckets_[i] = static_cast<uint32_t>(e + 1);
  }
}

void DecodedFrame::Clear() {
  series.clear();
  samples.clear();
  late.clear();
  histograms.clear();
  late_histograms.clear();
  exemplars.clear();
  metadata.clear();
  deletions.clear();
  unknown_ids = unknown_values = max_unknown_id = 0;
}

namespace {

class Decoder {
 public:
  Decoder(StreamShape shape, uint32_t epoch, IdTable* ids, SeriesIntroducer* introducer,
          DecodedFrame* out)
      : shape_(shape), epoch_(epoch), ids_(ids), introducer_(introducer), out_(out) {}

  bool Section(uint8_t kind, std::string_view content) {
    ByteReader in(content);
    if (kind == kStartsSection) return Starts(&in) && in.ok();
    const uint64_t n = in.Varint();
    // Every entry takes at least a byte: a forged count cannot make us allocate.
    if (!in.ok() || n > in.remaining()) return false;
    switch (kind) {
      case kSeriesSection:
        Series(&in, n);
        break;
      case kSamplesSection:
        Samples(&in, n);
        break;
      case kLateSection:
        Late(&in, n);
        break;
      case kHistogramsSection:
        Histograms(&in, n, &out_->histograms);
        break;
      case kLateHistogramsSection:
        Histograms(&in, n, &out_->late_histograms);
        break;
      case kExemplarsSection:
        Exemplars(&in, n);
        break;
      case kMetadataSection:
        MetadataEntries(&in, n);
        break;
      case kDeletionsSection:
        Deletions(&in, n);
        break;
      default:
        return false;
    }
    return in.ok() && in.done();
  }

 private:
  uint64_t Id(ByteReader* in, uint64_t* previous) {
    *previous += static_cast<uint64_t>(in->SignedVarint()) + 1;
    return *previous * shape_.streams + shape_.stream;
  }

  void Series(ByteReader* in, uint64_t n) {
    uint64_t previous = 0;
    for (uint64_t i = 0; i < n && in->ok(); i++) {
      const uint64_t id = Id(in, &previous);
      const std::string_view labels = in->LengthPrefixed();
      if (!in->ok() || !CheckEncodedLabels(labels)) {
        in->Fail();
        return;
      }
      const uint32_t user = introducer_->Introduce(id, labels);
      ids_->Add(id)->user = user;
      out_->series.push_back({.id = id, .user = user, .labels = labels});
    }
  }

  // Reads the id and time columns; `in` is then at the values.
  bool IdsAndTimes(ByteReader* in, uint64_t n, std::vector<DecodedSample>* samples) {
    const size_t begin = samples->size();
    ByteReader ids(in->LengthPrefixed());
    ByteReader times(in->LengthPrefixed());
    if (n > ids.remaining()) return false;
    samples->resize(begin + n);
    uint64_t previous = 0;
    for (uint64_t i = 0; i < n; i++) (*samples)[begin + i].id = Id(&ids, &previous);
    uint64_t i = 0;
    uint64_t time = 0;
    while (i < n && times.ok()) {
      time += static_cast<uint64_t>(times.SignedVarint());
      const uint64_t run = times.Varint();
      if (run > n - i) return false;
      for (const uint64_t end = i + run; i < end; i++) {
        (*samples)[begin + i].time_ms = static_cast<int64_t>(time);
      }
    }
    return ids.ok() && ids.done() && times.ok() && times.done() && i == n;
  }

  void Samples(ByteReader* in, uint64_t n) {
    auto* samples = &out_->samples;
    const size_t begin = samples->size();
    BeginStarts(samples);
    if (!IdsAndTimes(in, n, samples)) {
      in->Fail();
      return;
    }
    ValueState nobody;
    size_t kept = begin;
    for (size_t i = begin; i < samples->size() && in->ok(); i++) {
      DecodedSample sample = (*samples)[i];
      IdTable::Entry* entry = ids_->Find(sample.id);
      bool known;
      sample.value = GetValue(in, epoch_, entry != nullptr ? &entry->state : &nobody, &known);
      const bool introduced = entry != nullptr && entry->user != kNoUser;
      if (!introduced) Unknown(sample.id);
      if (introduced && !known) out_->unknown_values++;
      if (!introduced || !known) {
        dropped_.push_back(i - begin);
        continue;
      }
      sample.user = entry->user;
      (*samples)[kept++] = sample;
    }
    samples->resize(kept);
  }

  // A starts section that follows is about the samples appended to `samples` from here on.
  void BeginStarts(std::vector<DecodedSample>* samples) {
    dropped_.clear();
    starts_of_ = samples;
    first_sample_ = samples->size();
  }

  // Runs over all samples as written; those left out above are passed over.
  bool Starts(ByteReader* in) {
    uint64_t st = 0;
    size_t written = 0;
    size_t skip = 0;
    if (starts_of_ == nullptr) return false;
    size_t at = first_sample_;
    const size_t total = starts_of_->size() - first_sample_ + dropped_.size();
    while (!in->done() && in->ok()) {
      st += static_cast<uint64_t>(in->SignedVarint());
      const uint64_t run = in->Varint();
      if (run > total - written) return false;
      for (uint64_t i = 0; i < run; i++, written++) {
        if (skip < dropped_.size() && dropped_[skip] == written) {
          skip++;
          continue;
        }
        (*starts_of_)[at++].st_ms = static_cast<int64_t>(st);
      }
    }
    return written == total;
  }

  void Late(ByteReader* in, uint64_t n) {
    auto* late = &out_->late;
    const size_t begin = late->size();
    BeginStarts(late);
    if (!IdsAndTimes(in, n, late)) {
      in->Fail();
      return;
    }
    size_t kept = begin;
    for (size_t i = begin; i < late->size(); i++) {
      DecodedSample sample = (*late)[i];
      sample.value = in->Double();
      if (Known(sample.id, &sample.user)) {
        (*late)[kept++] = sample;
      } else {
        dropped_.push_back(i - begin);
      }
    }
    late->resize(kept);
  }

  void Unknown(uint64_t id) {
    out_->unknown_ids++;
    out_->max_unknown_id = std::max(out_->max_unknown_id, id);
  }

  bool Known(uint64_t id, uint32_t* user) {
    const IdTable::Entry* entry = ids_->Find(id);
    if (entry == nullptr || entry->user == kNoUser) {
      Unknown(id);
      return false;
    }
    *user = entry->user;
    return true;
  }

  void Histograms(ByteReader* in, uint64_t n, std::vector<DecodedHistogram>* out) {
    uint64_t previous = 0;
    for (uint64_t i = 0; i < n && in->ok(); i++) {
      DecodedHistogram h;
      h.id = Id(in, &previous);
      h.time_ms = in->SignedVarint();
      h.st_ms = in->SignedVarint();
      h.is_float = in->U8() != 0;
      h.bytes = in->LengthPrefixed();
      if (in->ok() && Known(h.id, &h.user)) out->push_back(h);
    }
  }

  void Exemplars(ByteReader* in, uint64_t n) {
    uint64_t previous = 0;
    for (uint64_t i = 0; i < n && in->ok(); i++) {
      DecodedExemplar e;
      e.id = Id(in, &previous);
      e.exemplar.time_ms = in->SignedVarint();
      e.exemplar.has_time = in->U8() != 0;
      e.exemplar.value = in->Double();
      const std::string_view labels = in->LengthPrefixed();
      if (!CheckEncodedLabels(labels)) in->Fail();
      if (!in->ok() || !Known(e.id, &e.user)) continue;
      e.exemplar.labels = Labels::FromEncoded(std::string(labels));
      out_->exemplars.push_back(std::move(e));
    }
  }

  void MetadataEntries(ByteReader* in, uint64_t n) {
    uint64_t previous = 0;
    for (uint64_t i = 0; i < n && in->ok(); i++) {
      DecodedMetadata m;
      m.id = Id(in, &previous);
      const uint8_t kind = in->U8();
      m.metadata.kind = kind <= static_cast<uint8_t>(MetricKind::kStateset)
                            ? static_cast<MetricKind>(kind)
                            : MetricKind::kUnknown;
      m.metadata.unit = std::string(in->LengthPrefixed());
      m.metadata.help = std::string(in->LengthPrefixed());
      if (in->ok() && Known(m.id, &m.user)) out_->metadata.push_back(std::move(m));
    }
  }

  void Deletions(ByteReader* in, uint64_t n) {
    uint64_t previous = 0;
    for (uint64_t i = 0; i < n && in->ok(); i++) {
      DecodedDeletion d;
      d.id = Id(in, &previous);
      d.min_ms = in->SignedVarint();
      d.max_ms = in->SignedVarint();
      if (in->ok() && Known(d.id, &d.user)) out_->deletions.push_back(d);
    }
  }

  const StreamShape shape_;
  const uint32_t epoch_;
  IdTable* ids_;
  SeriesIntroducer* introducer_;
  DecodedFrame* out_;
  std::vector<DecodedSample>* starts_of_ = nullptr;
  size_t first_sample_ = 0;
  std::vector<size_t> dropped_;
};

}  // namespace

Status DecodeFrame(std::string_view payload, StreamShape shape, uint32_t epoch, IdTable* ids,
                   SeriesIntroducer* introducer, DecodedFrame* out) {
  out->Clear();
  ByteReader in(payload);
  const uint8_t flags = in.U8();
  std::string_view body;
  if (flags == kFlagZstd) {
    const uint64_t size = in.Varint();
    const std::string_view packed = in.Rest();
    if (!in.ok() || size > kMaxFrameBytes) return CorruptError("wal frame of impossible size");
    const unsigned long long told = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (told != size) return CorruptError("wal frame: zstd size differs from the frame's");
    out->body.resize(size);
    const size_t n = ZSTD_decompress(out->body.data(), size, packed.data(), packed.size());
    if (ZSTD_isError(n) || n != size) {
      return CorruptError(std::string("wal frame: zstd: ") + ZSTD_getErrorName(n));
    }
    body = out->body;
  } else if (flags == 0) {
    body = in.Rest();
  } else {
    return CorruptError("wal frame: unknown flags " + std::to_string(flags));
  }
  Decoder decoder(shape, epoch, ids, introducer, out);
  ByteReader sections(body);
  while (!sections.done()) {
    const uint8_t kind = sections.U8();
    const std::string_view content = sections.LengthPrefixed();
    if (!sections.ok() || !decoder.Section(kind, content)) {
      return CorruptError("wal frame: section " + std::to_string(kind) + " does not decode");
    }
  }
  return OkStatus();
}

}  // namespace deucalion::tsdb::wal
