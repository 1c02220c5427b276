#include "tsdb/interop/prometheus_head_chunks.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace deucalion::tsdb {

Result<PrometheusHeadChunkReader> PrometheusHeadChunkReader::Open(std::string_view file) {
  ByteReader in(file);
  const uint32_t magic = in.BigEndian32();
  const uint8_t version = in.U8();
  in.Skip(3);
  if (!in.ok() || magic != kPrometheusHeadChunksMagic) return CorruptError("invalid magic number");
  if (version != 1) {
    return CorruptError("invalid chunk format version " + std::to_string(version));
  }
  return PrometheusHeadChunkReader(file);
}

bool PrometheusHeadChunkReader::Next(PrometheusHeadChunk* out) {
  if (!status_.ok() || at_ >= bytes_.size()) return false;
  const std::string_view rest = bytes_.substr(at_);
  ByteReader in(rest);
  out->ref = in.BigEndian64();
  out->min_ms = static_cast<int64_t>(in.BigEndian64());
  out->max_ms = static_cast<int64_t>(in.BigEndian64());
  const uint8_t encoding = in.U8();
  const uint64_t length = in.Varint();
  // Never a series 0: what was allocated ahead.
  if (out->ref == 0 && rest.find_first_not_of('\0') == rest.npos) return false;
  out->chunk.data = length <= in.remaining() ? in.Bytes(length) : (in.Fail(), std::string_view());
  const std::string_view covered = rest.substr(0, in.offset());
  const uint32_t crc = in.BigEndian32();
  if (!in.ok() || Crc32c(covered) != crc) {
    status_ = CorruptError("chunk at " + std::to_string(at_) +
                           (in.ok() ? ": checksum mismatch" : " lies outside the file"));
    return false;
  }
  out->out_of_order = (encoding & kOutOfOrderChunk) != 0;
  out->chunk.encoding = encoding & static_cast<uint8_t>(~kOutOfOrderChunk);
  at_ += in.offset();
  return true;
}

}  // namespace deucalion::tsdb
