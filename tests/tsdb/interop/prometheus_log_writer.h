// Writes Prometheus's logs and head chunk files from the description of the format, for record
// types and compressions that the Prometheus at hand does not write. Shares nothing with the
// readers.
#ifndef DEUCALION_TESTS_TSDB_INTEROP_PROMETHEUS_LOG_WRITER_H_
#define DEUCALION_TESTS_TSDB_INTEROP_PROMETHEUS_LOG_WRITER_H_

#include <gtest/gtest.h>
#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "tsdb/interop/prometheus_records.h"

namespace deucalion::tsdb {

// ---- records ----

inline void PutBigDouble(std::string* out, double v) {
  PutBigEndian64(out, std::bit_cast<uint64_t>(v));
}

inline void PutLabels(std::string* out, const Labels& labels) {
  PutVarint(out, labels.size());
  for (const Label& l : labels) {
    PutLengthPrefixed(out, l.name);
    PutLengthPrefixed(out, l.value);
  }
}

inline std::string SeriesRecordBytes(const std::vector<RecordedSeries>& series) {
  std::string out(1, '\x01');
  for (const auto& s : series) {
    PutBigEndian64(&out, s.ref);
    PutLabels(&out, s.labels);
  }
  return out;
}

// Types 2, 4, 7 to 10: deltas to the first entry. `body(out, entry)` appends what follows them.
template <typename Entry, typename Time, typename Body>
std::string RelativeRecord(uint8_t type, const std::vector<Entry>& entries, Time time, Body body) {
  std::string out(1, static_cast<char>(type));
  if (entries.empty()) return out;
  PutBigEndian64(&out, entries[0].ref);
  PutBigEndian64(&out, static_cast<uint64_t>(time(entries[0])));
  for (const Entry& e : entries) {
    PutSignedVarint(&out, static_cast<int64_t>(e.ref - entries[0].ref));
    PutSignedVarint(&out, time(e) - time(entries[0]));
    body(&out, e);
  }
  return out;
}

// Types 11 to 13.
template <typename Entry, typename Body>
std::string StartedRecord(uint8_t type, const std::vector<Entry>& entries, Body body) {
  std::string out(1, static_cast<char>(type));
  for (size_t i = 0; i < entries.size(); i++) {
    const Entry& e = entries[i];
    if (i == 0) {
      PutSignedVarint(&out, static_cast<int64_t>(e.ref));
      PutSignedVarint(&out, e.time_ms);
      PutSignedVarint(&out, e.st_ms);
    } else {
      PutSignedVarint(&out, static_cast<int64_t>(e.ref - entries[i - 1].ref));
      PutSignedVarint(&out, e.time_ms - entries[0].time_ms);
      if (e.st_ms == 0) {
        PutU8(&out, 0);
      } else if (e.st_ms == entries[i - 1].st_ms) {
        PutU8(&out, 1);
      } else {
        PutU8(&out, 2);
        PutSignedVarint(&out, e.st_ms - entries[0].st_ms);
      }
    }
    body(&out, e);
  }
  return out;
}

inline std::string SamplesRecordBytes(const std::vector<RecordedSample>& samples,
                                      bool with_starts = false) {
  const auto body = [](std::string* out, const RecordedSample& s) { PutBigDouble(out, s.value); };
  if (with_starts) return StartedRecord(11, samples, body);
  return RelativeRecord(
      2, samples, [](const auto& s) { return s.time_ms; }, body);
}

inline void PutSpans(std::string* out, const std::vector<BucketSpan>& spans) {
  PutVarint(out, spans.size());
  for (const BucketSpan& s : spans) {
    PutSignedVarint(out, s.offset);
    PutVarint(out, s.length);
  }
}

inline void PutRecordedHistogram(std::string* out, const RecordedHistogram& r) {
  const auto doubles = [out](const std::vector<double>& values) {
    PutVarint(out, values.size());
    for (const double v : values) PutBigDouble(out, v);
  };
  const auto head = [out](const auto& h) {
    PutU8(out, static_cast<uint8_t>(h.reset_hint));
    PutSignedVarint(out, h.schema);
    PutBigDouble(out, h.zero_threshold);
  };
  if (r.is_float) {
    const FloatHistogram& h = r.floating;
    head(h);
    PutBigDouble(out, h.zero_count);
    PutBigDouble(out, h.count);
    PutBigDouble(out, h.sum);
    PutSpans(out, h.positive_spans);
    PutSpans(out, h.negative_spans);
    doubles(h.positive_buckets);
    doubles(h.negative_buckets);
    if (h.UsesCustomBuckets()) doubles(h.custom_values);
    return;
  }
  const IntHistogram& h = r.integer;
  head(h);
  PutVarint(out, h.zero_count);
  PutVarint(out, h.count);
  PutBigDouble(out, h.sum);
  PutSpans(out, h.positive_spans);
  PutSpans(out, h.negative_spans);
  for (const auto* side : {&h.positive_buckets, &h.negative_buckets}) {
    PutVarint(out, side->size());
    for (const int64_t v : *side) PutSignedVarint(out, v);
  }
  if (h.UsesCustomBuckets()) doubles(h.custom_values);
}

// `type`: 7, 8, 9, 10, 12 or 13.
inline std::string HistogramsRecordBytes(uint8_t type,
                                         const std::vector<RecordedHistogram>& histograms) {
  if (type >= 12) return StartedRecord(type, histograms, PutRecordedHistogram);
  return RelativeRecord(
      type, histograms, [](const auto& h) { return h.time_ms; }, PutRecordedHistogram);
}

inline std::string TombstonesRecordBytes(const std::vector<RecordedTombstone>& tombstones) {
  std::string out(1, '\x03');
  for (const auto& t : tombstones) {
    PutBigEndian64(&out, t.ref);
    PutSignedVarint(&out, t.min_ms);
    PutSignedVarint(&out, t.max_ms);
  }
  return out;
}

inline std::string ExemplarsRecordBytes(const std::vector<RecordedExemplar>& exemplars) {
  return RelativeRecord(
      4, exemplars, [](const auto& e) { return e.exemplar.time_ms; },
      [](std::string* out, const RecordedExemplar& e) {
        PutBigDouble(out, e.exemplar.value);
        PutLabels(out, e.exemplar.labels);
      });
}

inline std::string MarkersRecordBytes(const std::vector<RecordedMarker>& markers) {
  std::string out(1, '\x05');
  for (const auto& m : markers) {
    PutBigEndian64(&out, m.ref);
    PutBigEndian64(&out, m.chunk);
  }
  return out;
}

// `kind`: Prometheus's number.
inline std::string MetadataRecordBytes(uint64_t ref, uint8_t kind, std::string_view unit,
                                       std::string_view help) {
  std::string out(1, '\x06');
  PutVarint(&out, ref);
  PutU8(&out, kind);
  PutVarint(&out, 2);
  PutLengthPrefixed(&out, "UNIT");
  PutLengthPrefixed(&out, unit);
  PutLengthPrefixed(&out, "HELP");
  PutLengthPrefixed(&out, help);
  return out;
}

inline std::string MinValidTimeRecordBytes(int64_t time_ms) {
  std::string out(1, '\x0e');
  PutBigEndian64(&out, static_cast<uint64_t>(time_ms));
  return out;
}

// ---- segments ----

enum class LogCompression { kNone, kSnappy, kZstd };

// The bytes of one segment.
class LogSegment {
 public:
  static constexpr size_t kPage = 32 * 1024;
  static constexpr size_t kHeader = 7;

  void Add(std::string_view record, LogCompression compression = LogCompression::kNone) {
    std::string stored(record);
    uint8_t flag = 0;
    if (compression == LogCompression::kSnappy) {
      snappy::Compress(record.data(), record.size(), &stored);
      flag = 8;
    } else if (compression == LogCompression::kZstd) {
      stored.resize(ZSTD_compressBound(record.size()));
      stored.resize(ZSTD_compress(stored.data(), stored.size(), record.data(), record.size(), 3));
      flag = 16;
    }
    bool first = true;
    for (std::string_view rest = stored; first || !rest.empty(); first = false) {
      size_t left = kPage - bytes_.size() % kPage;
      if (left < kHeader) {
        bytes_.append(left, '\0');
        left = kPage;
      }
      const std::string_view part = rest.substr(0, left - kHeader);
      rest.remove_prefix(part.size());
      const uint8_t kind = first && rest.empty() ? 1 : first ? 2 : rest.empty() ? 4 : 3;
      PutU8(&bytes_, kind | flag);
      PutBigEndian16(&bytes_, static_cast<uint16_t>(part.size()));
      PutBigEndian32(&bytes_, Crc32c(part));
      bytes_ += part;
    }
  }
  // As Prometheus does when it closes a segment.
  void PadPage() { bytes_.append((kPage - bytes_.size() % kPage) % kPage, '\0'); }

  const std::string& bytes() const { return bytes_; }
  std::string* mutable_bytes() { return &bytes_; }
  void WriteTo(const std::string& dir, uint32_t number) const {
    FileSystem* fs = FileSystem::Posix();
    ASSERT_TRUE(fs->CreateDirs(dir).ok());
    char name[16];
    snprintf(name, sizeof(name), "%08u", number);
    ASSERT_TRUE(fs->WriteFileAtomically(JoinPath(dir, name), bytes_).ok());
  }

 private:
  std::string bytes_;
};

// ---- chunks_head ----

class HeadChunkFile {
 public:
  HeadChunkFile() : bytes_("\x01\x30\xbc\x91\x01\0\0\0", 8) {}
  void Add(uint64_t ref, int64_t min_ms, int64_t max_ms, uint8_t encoding, std::string_view data) {
    std::string chunk;
    PutBigEndian64(&chunk, ref);
    PutBigEndian64(&chunk, static_cast<uint64_t>(min_ms));
    PutBigEndian64(&chunk, static_cast<uint64_t>(max_ms));
    PutU8(&chunk, encoding);
    PutLengthPrefixed(&chunk, data);
    PutBigEndian32(&chunk, Crc32c(chunk));
    bytes_ += chunk;
  }
  // The newest file was allocated ahead.
  void PadZeros(size_t bytes) { bytes_.append(bytes, '\0'); }
  const std::string& bytes() const { return bytes_; }
  std::string* mutable_bytes() { return &bytes_; }
  void WriteTo(const std::string& dir, uint32_t number) const {
    FileSystem* fs = FileSystem::Posix();
    ASSERT_TRUE(fs->CreateDirs(dir).ok());
    char name[16];
    snprintf(name, sizeof(name), "%06u", number);
    ASSERT_TRUE(fs->WriteFileAtomically(JoinPath(dir, name), bytes_).ok());
  }

 private:
  std::string bytes_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TESTS_TSDB_INTEROP_PROMETHEUS_LOG_WRITER_H_
