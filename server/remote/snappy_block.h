// Snappy's block format, which every remote protocol wraps its messages in.
#ifndef DEUCALION_SERVER_REMOTE_SNAPPY_BLOCK_H_
#define DEUCALION_SERVER_REMOTE_SNAPPY_BLOCK_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace deucalion::remote {

// kInvalidArgument, in the words of Go's decoder, when `block` is damaged or would take more than
// `max_bytes`.
Result<std::string> SnappyDecode(std::string_view block, size_t max_bytes);

// What `block` says that it unpacks to; 0 when it is damaged.
uint64_t SnappyLength(std::string_view block);

// kResourceExhausted when `bytes` is more than the format's 32-bit length can say.
Result<std::string> SnappyEncode(std::string_view bytes);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SNAPPY_BLOCK_H_
