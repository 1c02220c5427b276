#include "server/http/compress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "server/http/message.h"

namespace deucalion::http {
namespace {

constexpr int kLevel = 1;
constexpr size_t kStepBytes = 64 << 10;
// Window bits of zlib: 15 with a gzip header, with a zlib header, raw.
constexpr int kGzipBits = 15 + 16;
constexpr int kZlibBits = 15;
constexpr int kRawBits = -15;
// Frames that ask for a larger window would have us allocate it: RFC 9659 says 8 MiB for HTTP.
constexpr int kMaxZstdWindowLog = 23;
// Callers without a limit of their own get this one, and sums with it cannot overflow.
constexpr size_t kMaxOutputBytes = size_t{1} << 40;

class ZlibEncoder : public Encoder {
 public:
  explicit ZlibEncoder(int window_bits) {
    ok_ = deflateInit2(&stream_, kLevel, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~ZlibEncoder() override {
    if (ok_) deflateEnd(&stream_);
  }

  void Encode(std::string_view piece, bool last, std::string* out) override {
    if (!ok_) return;
    do {
      const size_t take = std::min<size_t>(piece.size(), 1 << 30);
      const bool finish = last && take == piece.size();
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
      stream_.avail_in = static_cast<uInt>(take);
      piece.remove_prefix(take);
      Drain(finish ? Z_FINISH : Z_NO_FLUSH, out);
    } while (!piece.empty());
  }

 private:
  void Drain(int flush, std::string* out) {
    do {
      const size_t before = out->size();
      const size_t room = std::clamp<size_t>(stream_.avail_in / 4, 1 << 10, kStepBytes);
      out->resize(before + room);
      stream_.next_out = reinterpret_cast<Bytef*>(out->data() + before);
      stream_.avail_out = static_cast<uInt>(room);
      deflate(&stream_, flush);
      out->resize(before + room - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
  bool ok_ = false;
};

class ZstdEncoder : public Encoder {
 public:
  ZstdEncoder() : context_(ZSTD_createCCtx(), &ZSTD_freeCCtx) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
  }

  void Encode(std::string_view piece, bool last, std::string* out) override {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    const ZSTD_EndDirective mode = last ? ZSTD_e_end : ZSTD_e_continue;
    size_t left = 0;
    do {
      const size_t before = out->size();
      const size_t room = std::clamp<size_t>((in.size - in.pos) / 4, 1 << 10, kStepBytes);
      out->resize(before + room);
      ZSTD_outBuffer buffer{out->data() + before, room, 0};
      left = ZSTD_compressStream2(context_.get(), &buffer, &in, mode);
      out->resize(before + buffer.pos);
      if (ZSTD_isError(left)) return;
    } while (last ? left != 0 : in.pos < in.size);
  }

 private:
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
};

Status TooLarge(size_t max_bytes) {
  return ResourceExhaustedError("decompressed body exceeds " + std::to_string(max_bytes) +
                                " bytes");
}

// One pass of inflate over `bytes`; gzip members may follow each other.
Result<std::string> InflateWith(std::string_view bytes, size_t max_bytes, int window_bits,
                                std::string_view name) {
  max_bytes = std::min(max_bytes, kMaxOutputBytes);
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) return InternalError("inflate: out of memory");
  const std::unique_ptr<z_stream, decltype(&inflateEnd)> end(&stream, &inflateEnd);
  const Status corrupt = CorruptError(std::string(name) + ": invalid data");
  std::string out;
  while (true) {
    if (stream.avail_in == 0) {
      const size_t take = std::min<size_t>(bytes.size(), 1 << 30);
      if (take == 0) return CorruptError(std::string(name) + ": unexpected EOF");
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(take);
      bytes.remove_prefix(take);
    }
    const size_t before = out.size();
    // One byte beyond the limit tells "exactly at the limit" from "more".
    const size_t room = std::min(std::max<size_t>(before, 4 << 10), max_bytes - before + 1);
    out.resize(before + std::min<size_t>(room, 1 << 20));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(out.size() - before);
    const int result = inflate(&stream, Z_NO_FLUSH);
    out.erase(out.size() - stream.avail_out);
    if (out.size() > max_bytes) return TooLarge(max_bytes);
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0 && bytes.empty()) return out;
      if (window_bits != kGzipBits || inflateReset(&stream) != Z_OK) return corrupt;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return corrupt;
    }
  }
}

}  // namespace

std::string_view CodingName(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kDeflate:
      return "deflate";
    case Coding::kZstd:
      return "zstd";
    case Coding::kIdentity:
      break;
  }
  return "";
}

Coding ChooseCoding(std::string_view accept_encoding) {
  bool zstd = false;
  while (!accept_encoding.empty()) {
    const size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
    std::string_view element = accept_encoding.substr(0, end);
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
    std::string quality;
    const size_t semicolon = std::min(element.find(';'), element.size());
    for (const char c : element.substr(semicolon)) {
      if (c != ' ' && c != '\t') quality += c;
    }
    element = element.substr(0, semicolon);
    while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) {
      element.remove_prefix(1);
    }
    while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) {
      element.remove_suffix(1);
    }
    if (quality.starts_with(";q=0") && quality.find_first_not_of("0.", 3) == std::string::npos) {
      continue;
    }
    if (EqualsIgnoreCase(element, "gzip")) return Coding::kGzip;
    if (EqualsIgnoreCase(element, "deflate")) return Coding::kDeflate;
    if (EqualsIgnoreCase(element, "zstd")) zstd = true;
  }
  return zstd ? Coding::kZstd : Coding::kIdentity;
}

std::unique_ptr<Encoder> Encoder::Make(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return std::make_unique<ZlibEncoder>(kGzipBits);
    case Coding::kDeflate:
      return std::make_unique<ZlibEncoder>(kZlibBits);
    case Coding::kZstd:
      return std::make_unique<ZstdEncoder>();
    case Coding::kIdentity:
      break;
  }
  return nullptr;
}

std::string Compress(Coding coding, std::string_view bytes) {
  const auto encoder = Encoder::Make(coding);
  if (encoder == nullptr) return std::string(bytes);
  std::string out;
  out.reserve(bytes.size() / 4 + 64);
  encoder->Encode(bytes, true, &out);
  return out;
}

Result<std::string> Gunzip(std::string_view bytes, size_t max_bytes) {
  return InflateWith(bytes, max_bytes, kGzipBits, "gzip");
}

Result<std::string> Inflate(std::string_view bytes, size_t max_bytes) {
  // The low half of a zlib header's first byte is the method, 8; header and flags are a multiple
  // of 31. Some clients send the bare stream.
  const bool zlib =
      bytes.size() >= 2 && (bytes[0] & 0x0f) == 8 &&
      (static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1])) % 31 == 0;
  return InflateWith(bytes, max_bytes, zlib ? kZlibBits : kRawBits, "deflate");
}

Result<std::string> UnZstd(std::string_view bytes, size_t max_bytes) {
  max_bytes = std::min(max_bytes, kMaxOutputBytes);
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  std::string out;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t left = 1;
  while (in.pos < in.size || left != 0) {
    const size_t before = out.size();
    const size_t room = std::min(std::max<size_t>(before, 4 << 10), max_bytes - before + 1);
    out.resize(before + std::min<size_t>(room, 1 << 20));
    ZSTD_outBuffer buffer{out.data() + before, out.size() - before, 0};
    const size_t in_before = in.pos;
    left = ZSTD_decompressStream(context.get(), &buffer, &in);
    out.resize(before + buffer.pos);
    if (ZSTD_isError(left)) {
      return CorruptError(std::string("zstd: ") + ZSTD_getErrorName(left));
    }
    if (out.size() > max_bytes) return TooLarge(max_bytes);
    if (left != 0 && in.pos == in_before && buffer.pos == 0) {
      return CorruptError("zstd: unexpected EOF");
    }
  }
  return out;
}

Result<std::string> DecodeContent(std::string_view content_encoding, std::string_view bytes,
                                  size_t max_bytes) {
  if (content_encoding.empty() || EqualsIgnoreCase(content_encoding, "identity")) {
    if (bytes.size() > max_bytes) return TooLarge(max_bytes);
    return std::string(bytes);
  }
  if (EqualsIgnoreCase(content_encoding, "gzip")) return Gunzip(bytes, max_bytes);
  if (EqualsIgnoreCase(content_encoding, "deflate")) return Inflate(bytes, max_bytes);
  if (EqualsIgnoreCase(content_encoding, "zstd")) return UnZstd(bytes, max_bytes);
  return InvalidArgumentError("unsupported content encoding: " + std::string(content_encoding));
}

}  // namespace deucalion::http
