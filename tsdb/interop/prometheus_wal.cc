#include "tsdb/interop/prometheus_wal.h"

#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/bytes.h"
#include "base/hash.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kPageBytes = 32 * 1024;
constexpr size_t kHeaderBytes = 7;
constexpr uint8_t kWhole = 1, kFirst = 2, kMiddle = 3, kLast = 4;
constexpr uint8_t kKindMask = 7, kSnappyFlag = 8, kZstdFlag = 16;
// A record is one commit: the largest real ones have some ten megabytes.
constexpr size_t kMaxRecordBytes = 256 << 20;
constexpr std::string_view kCheckpointPrefix = "checkpoint.";

bool ParseNumber(std::string_view text, uint32_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

Status Inflate(std::string_view raw, std::string* out) {
  thread_local const std::unique_ptr<ZSTD_DStream, FreeStream> stream(ZSTD_createDStream());
  ZSTD_initDStream(stream.get());
  ZSTD_inBuffer in{raw.data(), raw.size(), 0};
  out->clear();
  size_t left = 0;
  bool full = false;
  do {
    const size_t have = out->size();
    out->resize(have + ZSTD_DStreamOutSize());
    ZSTD_outBuffer piece{out->data() + have, out->size() - have, 0};
    left = ZSTD_decompressStream(stream.get(), &piece, &in);
    if (ZSTD_isError(left)) return CorruptError("zstd data do not decode");
    out->resize(have + piece.pos);
    if (out->size() > kMaxRecordBytes) return ResourceExhaustedError("a record above 256 MiB");
    full = piece.pos == piece.size;
  } while (in.pos < in.size || (full && left != 0));
  return left == 0 ? OkStatus() : CorruptError("zstd data end too early");
}

}  // namespace

Result<std::vector<PrometheusSegment>> ListPrometheusSegments(FileSystem* fs,
                                                              const std::string& dir) {
  std::vector<PrometheusSegment> segments;
  if (!fs->Exists(dir)) return segments;
  ASSIGN_OR_RETURN(const auto names, fs->List(dir));
  for (const std::string& name : names) {
    PrometheusSegment segment{.path = JoinPath(dir, name)};
    if (!ParseNumber(name, &segment.number)) continue;
    ASSIGN_OR_RETURN(const FileInfo info, fs->Stat(segment.path));
    if (info.is_directory) continue;
    segment.size_bytes = info.size_bytes;
    segments.push_back(std::move(segment));
  }
  std::sort(segments.begin(), segments.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  return segments;
}

Result<std::optional<PrometheusCheckpoint>> FindPrometheusCheckpoint(FileSystem* fs,
                                                                     const std::string& wal_dir) {
  std::optional<PrometheusCheckpoint> newest;
  if (!fs->Exists(wal_dir)) return newest;
  ASSIGN_OR_RETURN(const auto names, fs->List(wal_dir));
  for (const std::string& name : names) {
    uint32_t number;
    if (!name.starts_with(kCheckpointPrefix) ||
        !ParseNumber(std::string_view(name).substr(kCheckpointPrefix.size()), &number)) {
      continue;  // "….tmp" is one that was never finished
    }
    if (!newest || number > newest->number) newest = {number, JoinPath(wal_dir, name)};
  }
  return newest;
}

PrometheusSegmentReader::Outcome PrometheusSegmentReader::Damaged(std::string problem) {
  problem_ = std::move(problem);
  at_ = std::min(bytes_.size(), at_ / kPageBytes * kPageBytes + kPageBytes);
  return Outcome::kDamaged;
}

bool PrometheusSegmentReader::SkipPadding() {
  const size_t end = std::min(bytes_.size(), at_ / kPageBytes * kPageBytes + kPageBytes);
  const std::string_view rest = bytes_.substr(at_, end - at_);
  if (rest.find_first_not_of('\0') != rest.npos) return false;
  at_ = end;
  return true;
}

PrometheusSegmentReader::Outcome PrometheusSegmentReader::Next() {
  joined_.clear();
  bool within = false;  // a record has begun
  while (at_ < bytes_.size()) {
    if (bytes_[at_] == '\0') {
      if (!SkipPadding()) return Damaged("an empty page is not empty");
      continue;
    }
    const size_t page_left = kPageBytes - at_ % kPageBytes;
    ByteReader header(bytes_.substr(at_, std::min(page_left, kHeaderBytes)));
    const uint8_t flags = header.U8();
    const uint16_t length = header.BigEndian16();
    const uint32_t crc = header.BigEndian32();
    if (page_left < kHeaderBytes || (header.ok() && length > page_left - kHeaderBytes)) {
      return Damaged("a fragment is larger than its page");
    }
    if (!header.ok() || length > bytes_.size() - at_ - kHeaderBytes) {
      record_at_ = within ? record_at_ : at_;
      at_ = bytes_.size();
      return Outcome::kTorn;
    }
    const std::string_view data = bytes_.substr(at_ + kHeaderBytes, length);
    if (Crc32c(data) != crc) return Damaged("a fragment's checksum does not match");
    const uint8_t kind = flags & kKindMask;
    const bool begins = kind == kWhole || kind == kFirst;
    if (begins == within || kind > kLast) {
      // Behind damage the rest of a record whose beginning is lost.
      if (!begins && kind <= kLast && !problem_.empty()) {
        at_ += kHeaderBytes + length;
        continue;
      }
      if (!begins || kind > kLast) return Damaged("a fragment is out of place");
      problem_ = "a record has no end";
      return Outcome::kDamaged;  // what follows is read as it stands
    }
    problem_.clear();
    if (begins) record_at_ = at_;
    at_ += kHeaderBytes + length;
    within = true;
    if (kind == kWhole) {
      raw_ = data;
    } else {
      joined_ += data;
      raw_ = joined_;
    }
    if (kind == kWhole || kind == kLast) {
      compression_ = (flags & kSnappyFlag) != 0 ? Compression::kSnappy
                     : (flags & kZstdFlag) != 0 ? Compression::kZstd
                                                : Compression::kNone;
      return Outcome::kRecord;
    }
  }
  return within ? Outcome::kTorn : Outcome::kEnd;
}

uint8_t PrometheusSegmentReader::PeekType() const {
  if (raw_.empty() || compression_ == Compression::kZstd) return 0;
  if (compression_ == Compression::kNone) return static_cast<uint8_t>(raw_[0]);
  // Snappy begins with the length and a literal of at least one byte.
  ByteReader in(raw_);
  in.Varint();
  const uint8_t tag = in.U8();
  if ((tag & 3) != 0) return 0;
  if (tag >> 2 >= 60) in.Skip((tag >> 2) - 59);
  return in.U8();
}

Result<std::string_view> PrometheusSegmentReader::Record() {
  // An empty record is not compressed, whatever its flag says.
  if (compression_ == Compression::kNone || raw_.empty()) return raw_;
  if (compression_ == Compression::kZstd) {
    RETURN_IF_ERROR(Inflate(raw_, &inflated_));
    return std::string_view(inflated_);
  }
  size_t length = 0;
  // No three bytes of snappy make more than 64.
  if (!snappy::GetUncompressedLength(raw_.data(), raw_.size(), &length) ||
      length > raw_.size() * 32 + 64 || length > kMaxRecordBytes) {
    return CorruptError("snappy data do not decode");
  }
  inflated_.resize(length);
  if (!snappy::RawUncompress(raw_.data(), raw_.size(), inflated_.data())) {
    return CorruptError("snappy data do not decode");
  }
  return std::string_view(inflated_);
}

}  // namespace deucalion::tsdb
