#include "server/remote/snappy_block.h"

#include <snappy.h>

namespace deucalion::remote {

Result<std::string> SnappyDecode(std::string_view block, size_t max_bytes) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) {
    return InvalidArgumentError("snappy: corrupt input");
  }
  if (size > max_bytes) return InvalidArgumentError("snappy: decoded block is too large");
  std::string decoded;
  decoded.resize(size);
  if (!snappy::RawUncompress(block.data(), block.size(), decoded.data())) {
    return InvalidArgumentError("snappy: corrupt input");
  }
  return decoded;
}

uint64_t SnappyLength(std::string_view block) {
  size_t size = 0;
  return snappy::GetUncompressedLength(block.data(), block.size(), &size) ? size : 0;
}

Result<std::string> SnappyEncode(std::string_view bytes) {
  if (bytes.size() > UINT32_MAX) return ResourceExhaustedError("message exceeds 4 GiB");
  std::string block;
  snappy::Compress(bytes.data(), bytes.size(), &block);
  return block;
}

}  // namespace deucalion::remote
