#include "tsdb/wal/segment.h"

#include <fmt/core.h>

#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"

namespace deucalion::tsdb::wal {
namespace {

constexpr std::string_view kMagic = "DEUCWAL1";
constexpr std::string_view kSuffix = ".wal";

bool ParseNumber(std::string_view text, uint32_t* out) {
  const auto [p, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && p == text.data() + text.size() && !text.empty();
}

uint32_t LoadFixed32(std::string_view bytes, uint64_t at) {
  uint32_t v;
  std::memcpy(&v, bytes.data() + at, sizeof(v));
  return v;
}

}  // namespace

std::string SegmentName(uint32_t stream, uint32_t segment) {
  return fmt::format("{}-{:08}.wal", stream, segment);
}

bool ParseSegmentName(std::string_view name, uint32_t* stream, uint32_t* segment) {
  const size_t dash = name.find('-');
  if (dash == std::string_view::npos || !name.ends_with(kSuffix)) return false;
  const std::string_view middle = name.substr(dash + 1, name.size() - dash - 1 - kSuffix.size());
  return ParseNumber(name.substr(0, dash), stream) && ParseNumber(middle, segment);
}

Result<std::vector<uint32_t>> ListSegments(FileSystem* fs, const std::string& dir,
                                           uint32_t stream) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs->List(dir));
  std::vector<uint32_t> segments;
  for (const std::string& name : names) {
    uint32_t of_stream;
    uint32_t segment;
    if (ParseSegmentName(name, &of_stream, &segment) && of_stream == stream) {
      segments.push_back(segment);
    }
  }
  std::sort(segments.begin(), segments.end());
  return segments;
}

std::string SegmentHeader(StreamShape shape, uint32_t segment) {
  std::string out(kMagic);
  PutFixed16(&out, static_cast<uint16_t>(shape.stream));
  PutFixed16(&out, static_cast<uint16_t>(shape.streams));
  PutFixed32(&out, segment);
  PutFixed32(&out, Crc32c(out));
  return out;
}

Result<SegmentReader> SegmentReader::Open(std::string path, std::string_view bytes,
                                          StreamShape shape, uint32_t segment) {
  if (bytes.size() < kSegmentHeaderBytes) {
    return CorruptError(fmt::format("wal segment {}: {} bytes, header has {}", path, bytes.size(),
                                    kSegmentHeaderBytes));
  }
  if (bytes.substr(0, kSegmentHeaderBytes) != SegmentHeader(shape, segment)) {
    return CorruptError(
        fmt::format("wal segment {}: header is not that of stream {} of {}, segment {}", path,
                    shape.stream, shape.streams, segment));
  }
  SegmentReader reader;
  reader.path_ = std::move(path);
  reader.bytes_ = bytes;
  return reader;
}

bool SegmentReader::FrameAt(uint64_t offset, std::string_view* payload,
                            std::string* problem) const {
  const uint64_t left = bytes_.size() - offset;
  if (left < kFrameHeaderBytes) {
    *problem = fmt::format("{} bytes left, frame header has {}", left, kFrameHeaderBytes);
    return false;
  }
  const uint32_t length = LoadFixed32(bytes_, offset);
  const uint32_t want = LoadFixed32(bytes_, offset + 4);
  if (length == 0 || length > kMaxFrameBytes || length > left - kFrameHeaderBytes) {
    *problem = fmt::format("frame length {} with {} bytes left", length, left - kFrameHeaderBytes);
    return false;
  }
  *payload = bytes_.substr(offset + kFrameHeaderBytes, length);
  const uint32_t got = Crc32c(*payload);
  if (got == want) return true;
  *problem = fmt::format("frame crc mismatch: got {:08x}, want {:08x}", got, want);
  return false;
}

SegmentReader::Outcome SegmentReader::Next(std::string_view* payload) {
  if (offset_ >= bytes_.size()) return Outcome::kEnd;
  std::string what;
  if (FrameAt(offset_, payload, &what)) {
    offset_ += kFrameHeaderBytes + payload->size();
    return Outcome::kFrame;
  }
  problem_ = fmt::format("wal segment {} at {}: {}", path_, offset_, what);
  // A frame behind this one that reads well says that the damage is not a torn tail.
  if (bytes_.size() - offset_ >= kFrameHeaderBytes) {
    const uint64_t next = offset_ + kFrameHeaderBytes + LoadFixed32(bytes_, offset_);
    std::string ignored;
    std::string_view behind;
    if (next < bytes_.size() && next > offset_ + kFrameHeaderBytes &&
        FrameAt(next, &behind, &ignored)) {
      offset_ = next;
      return Outcome::kDamaged;
    }
  }
  return Outcome::kTorn;
}

}  // namespace deucalion::tsdb::wal
