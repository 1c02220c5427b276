#include "tsdb/interop/prometheus_tombstones.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace deucalion::tsdb {
namespace {

constexpr uint32_t kMagic = 0x0130BA30;
constexpr size_t kHeaderBytes = 5;
constexpr size_t kCrcBytes = 4;

}  // namespace

Result<Tombstones> DecodePrometheusTombstones(std::string_view bytes, const std::string& path) {
  if (bytes.size() < kHeaderBytes + kCrcBytes) return CorruptError(path + ": invalid size");
  ByteReader header(bytes);
  if (header.BigEndian32() != kMagic || header.U8() != 1) {
    return CorruptError(path + ": invalid magic number or version");
  }
  const std::string_view body = bytes.substr(kHeaderBytes, bytes.size() - kHeaderBytes - kCrcBytes);
  if (Crc32c(body) != ByteReader(bytes.substr(bytes.size() - kCrcBytes)).BigEndian32()) {
    return CorruptError(path + ": checksum did not match");
  }
  Tombstones deleted;
  ByteReader in(body);
  while (in.ok() && !in.done()) {
    const uint64_t series = in.Varint();
    const int64_t min_ms = in.SignedVarint(), max_ms = in.SignedVarint();
    if (series > UINT32_MAX || min_ms > max_ms) in.Fail();
    if (in.ok()) deleted.Add(static_cast<SeriesNumber>(series), {min_ms, max_ms});
  }
  if (!in.ok()) return CorruptError(path + ": does not decode");
  return deleted;
}

}  // namespace deucalion::tsdb
