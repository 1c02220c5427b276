// Cursors over bytes, for every format of ours and of others.
//
// ByteReader never reads past its end: a failed read returns zero values, makes the cursor fail for
// good and is asked once at the end (`ok()`). Varints are LEB128 as in protobuf; fixed integers
// come in both byte orders because Prometheus's files are big-endian and ours little-endian.
#ifndef DEUCALION_BASE_BYTES_H_
#define DEUCALION_BASE_BYTES_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace deucalion {

// Borrows its bytes: they must outlive the reader and every view it returns.
class ByteReader {
 public:
  ByteReader() = default;
  explicit ByteReader(std::string_view bytes)
      : begin_(bytes.data()), p_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  bool done() const { return p_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - p_); }
  size_t offset() const { return static_cast<size_t>(p_ - begin_); }

  uint8_t U8() { return Take(1) ? static_cast<uint8_t>(p_[-1]) : 0; }
  uint16_t Fixed16() { return FixedLe<uint16_t>(); }
  uint32_t Fixed32() { return FixedLe<uint32_t>(); }
  uint64_t Fixed64() { return FixedLe<uint64_t>(); }
  uint16_t BigEndian16() { return __builtin_bswap16(FixedLe<uint16_t>()); }
  uint32_t BigEndian32() { return __builtin_bswap32(FixedLe<uint32_t>()); }
  uint64_t BigEndian64() { return __builtin_bswap64(FixedLe<uint64_t>()); }
  double Double() { return std::bit_cast<double>(Fixed64()); }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (p_ == end_) return Fail();
      const uint8_t byte = static_cast<uint8_t>(*p_++);
      if (shift == 63 && byte > 1) return Fail();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return Fail();
  }
  // Zigzag.
  int64_t SignedVarint() {
    const uint64_t u = Varint();
    return static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1);
  }
  std::string_view Bytes(size_t n) {
    return Take(n) ? std::string_view(p_ - n, n) : std::string_view();
  }
  // Varint length, then that many bytes.
  std::string_view LengthPrefixed() {
    const uint64_t n = Varint();
    return n <= remaining() ? Bytes(static_cast<size_t>(n)) : (Fail(), std::string_view());
  }
  std::string_view Rest() { return Bytes(remaining()); }
  void Skip(size_t n) { Take(n); }
  // Makes the cursor fail, for checks of the caller's own.
  uint64_t Fail() {
    ok_ = false;
    p_ = end_;
    return 0;
  }

 private:
  bool Take(size_t n) {
    if (n > remaining()) {
      Fail();
      return false;
    }
    p_ += n;
    return true;
  }
  template <typename T>
  T FixedLe() {
    if (!Take(sizeof(T))) return 0;
    T value;
    std::memcpy(&value, p_ - sizeof(T), sizeof(T));
    return value;
  }

  const char* begin_ = nullptr;
  const char* p_ = nullptr;
  const char* end_ = nullptr;
  bool ok_ = true;
};

static_assert(std::endian::native == std::endian::little, "on-disk integers are little-endian");

inline void PutU8(std::string* out, uint8_t v) { out->push_back(static_cast<char>(v)); }
template <typename T>
inline void PutRaw(std::string* out, T v) {
  char buf[sizeof(T)];
  std::memcpy(buf, &v, sizeof(T));
  out->append(buf, sizeof(T));
}
inline void PutFixed16(std::string* out, uint16_t v) { PutRaw(out, v); }
inline void PutFixed32(std::string* out, uint32_t v) { PutRaw(out, v); }
inline void PutFixed64(std::string* out, uint64_t v) { PutRaw(out, v); }
inline void PutBigEndian16(std::string* out, uint16_t v) { PutRaw(out, __builtin_bswap16(v)); }
inline void PutBigEndian32(std::string* out, uint32_t v) { PutRaw(out, __builtin_bswap32(v)); }
inline void PutBigEndian64(std::string* out, uint64_t v) { PutRaw(out, __builtin_bswap64(v)); }
inline void PutDouble(std::string* out, double v) { PutRaw(out, std::bit_cast<uint64_t>(v)); }
inline void PutVarint(std::string* out, uint64_t v) {
  while (v >= 0x80) {
    out->push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out->push_back(static_cast<char>(v));
}
inline uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
inline void PutSignedVarint(std::string* out, int64_t v) { PutVarint(out, ZigZag(v)); }
inline void PutLengthPrefixed(std::string* out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out->append(bytes);
}

}  // namespace deucalion

#endif  // DEUCALION_BASE_BYTES_H_
