// Bits, most significant first, as Prometheus's chunks hold them, and the integers of variable
// width that histogram chunks are made of:
//
//   0                              0
//   10 + 3, 110 + 6, 1110 + 9, 11110 + 12, 111110 + 18, 1111110 + 25, 11111110 + 56 bits
//   11111111 + 64 bits
//
// Signed ones fit n bits from -(2^(n-1) - 1) to 2^(n-1); unsigned ones below 2^n.
#ifndef DEUCALION_TSDB_CHUNK_BIT_STREAM_H_
#define DEUCALION_TSDB_CHUNK_BIT_STREAM_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace deucalion::tsdb {

// Appends to a string. The last byte's unused bits are zero.
class BitWriter {
 public:
  explicit BitWriter(std::string* bytes) : bytes_(bytes) {}

  // The lowest `n` bits of `value`, n <= 64.
  void Bits(uint64_t value, unsigned n) {
    while (n > 0) {
      if (free_ == 0) {
        bytes_->push_back('\0');
        free_ = 8;
      }
      const unsigned take = std::min(n, free_);
      const uint64_t piece = (value >> (n - take)) & ((1u << take) - 1);
      bytes_->back() = static_cast<char>(static_cast<uint8_t>(bytes_->back()) |
                                         static_cast<uint8_t>(piece << (free_ - take)));
      free_ -= take;
      n -= take;
    }
  }
  void Bit(bool one) { Bits(one ? 1 : 0, 1); }
  void Double(double value) { Bits(std::bit_cast<uint64_t>(value), 64); }

  void Varbit(int64_t value) {
    if (value == 0) return Bits(0, 1);
    for (const Width& w : kWidths) {
      const int64_t top = int64_t{1} << (w.bits - 1);
      if (value <= top && value > -top) return Prefixed(w, static_cast<uint64_t>(value));
    }
    Bits(0xff, 8);
    Bits(static_cast<uint64_t>(value), 64);
  }
  void VarbitUnsigned(uint64_t value) {
    if (value == 0) return Bits(0, 1);
    for (const Width& w : kWidths) {
      if (value >> w.bits == 0) return Prefixed(w, value);
    }
    Bits(0xff, 8);
    Bits(value, 64);
  }

  // This writer's state, writing to `bytes`, which hold what was written so far.
  BitWriter MovedTo(std::string* bytes) const {
    BitWriter out(bytes);
    out.free_ = free_;
    return out;
  }

  struct Width {
    uint8_t prefix;
    uint8_t prefix_bits;
    uint8_t bits;
  };
  static constexpr Width kWidths[] = {{0b10, 2, 3},       {0b110, 3, 6},     {0b1110, 4, 9},
                                      {0b11110, 5, 12},   {0b111110, 6, 18}, {0b1111110, 7, 25},
                                      {0b11111110, 8, 56}};

 private:
  void Prefixed(const Width& w, uint64_t value) {
    Bits(w.prefix, w.prefix_bits);
    Bits(value, w.bits);
  }
  std::string* bytes_;
  unsigned free_ = 0;  // bits still free in the last byte
};

// Borrows its bytes. A read past the end gives zero and makes the reader fail for good.
class BitReader {
 public:
  BitReader() = default;
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  uint64_t remaining_bits() const { return bytes_.size() * 8 - position_; }
  uint64_t Fail() {
    ok_ = false;
    position_ = bytes_.size() * 8;
    return 0;
  }

  uint64_t Bits(unsigned n) {
    if (n > remaining_bits()) return Fail();
    uint64_t value = 0;
    while (n > 0) {
      const unsigned used = position_ % 8;
      const unsigned take = std::min(n, 8 - used);
      const auto byte = static_cast<uint8_t>(bytes_[position_ / 8]);
      value = value << take | ((byte >> (8 - used - take)) & ((1u << take) - 1));
      position_ += take;
      n -= take;
    }
    return value;
  }
  bool Bit() { return Bits(1) != 0; }
  double Double() { return std::bit_cast<double>(Bits(64)); }

  int64_t Varbit() {
    const unsigned width = VarbitWidth();
    uint64_t value = Bits(width);
    if (width > 0 && width < 64 && value > uint64_t{1} << (width - 1))
      value -= uint64_t{1} << width;
    return static_cast<int64_t>(value);
  }
  uint64_t VarbitUnsigned() { return Bits(VarbitWidth()); }

  // As ByteReader's, of bytes that need not be aligned.
  uint64_t Varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = Bits(8);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return Fail();
  }
  int64_t SignedVarint() {
    const uint64_t u = Varint();
    return static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1);
  }

 private:
  // Bits of the number itself, behind the prefix.
  unsigned VarbitWidth() {
    unsigned ones = 0;
    while (ones < 8 && Bit()) ones++;
    if (ones == 0) return 0;
    return ones == 8 ? 64 : BitWriter::kWidths[ones - 1].bits;
  }
  std::string_view bytes_;
  uint64_t position_ = 0;
  bool ok_ = true;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_BIT_STREAM_H_
