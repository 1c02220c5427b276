// Content codings of HTTP: gzip, deflate and zstd out, gzip, deflate and zstd in, always bounded.
//
// Level 1 everywhere: for JSON it is within a tenth of level 6 in size at three times the speed.
#ifndef DEUCALION_SERVER_HTTP_COMPRESS_H_
#define DEUCALION_SERVER_HTTP_COMPRESS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace deucalion::http {

enum class Coding { kIdentity, kGzip, kDeflate, kZstd };

// Below this a response fits one packet anyway.
inline constexpr size_t kMinCompressBytes = 1400;

// "gzip", "deflate", "zstd"; empty for identity.
std::string_view CodingName(Coding coding);
// The first of gzip and deflate that an Accept-Encoding value names, zstd when it names neither.
Coding ChooseCoding(std::string_view accept_encoding);

// Compresses one body, in pieces. Thread-compatible.
class Encoder {
 public:
  virtual ~Encoder() = default;
  // Appends what is ready of the compressed form of `piece` to `out`; everything when `last`.
  virtual void Encode(std::string_view piece, bool last, std::string* out) = 0;
  // Null for kIdentity.
  static std::unique_ptr<Encoder> Make(Coding coding);
};

std::string Compress(Coding coding, std::string_view bytes);

// A whole gzip stream (several members too), zlib or raw deflate stream, or zstd frame. kCorrupt
// when it does not decode, kResourceExhausted when it would give more than `max_bytes`.
Result<std::string> Gunzip(std::string_view bytes, size_t max_bytes);
Result<std::string> Inflate(std::string_view bytes, size_t max_bytes);
Result<std::string> UnZstd(std::string_view bytes, size_t max_bytes);
// By the value of a Content-Encoding header. Empty and "identity": a copy. Others:
// kInvalidArgument.
Result<std::string> DecodeContent(std::string_view content_encoding, std::string_view bytes,
                                  size_t max_bytes);

}  // namespace deucalion::http

#endif  // DEUCALION_SERVER_HTTP_COMPRESS_H_
