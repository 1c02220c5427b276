// Bit-packed integers: the part of the packed codec that turns residuals into bytes.
//
//   u8   flags       bits 0-3: bits per symbol (0-8); bit 4: every miniblock has a base of its own
//   u8   min symbol
//   svarint base
//   symbols          one per miniblock of 32 values, less min symbol, bit-packed, whole bytes
//   [svarint per miniblock: base less the previous base]            when bit 4 is set
//   payload per miniblock
//
// A symbol is 2 * width + sparse. Dense payload: (value - base) in `width` bits each, whole bytes.
// Sparse payload: 32-bit map of the values that are not zero, then only those, as above.
// Bits are little-endian within bytes. One outlier widens its own miniblock only.
//
// Reading is bounded and never trusts a length. There is an AVX2 and a portable unpacker, chosen
// once at start; they return the same bits.
#ifndef DEUCALION_TSDB_CHUNK_PACKED_INTS_H_
#define DEUCALION_TSDB_CHUNK_PACKED_INTS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace deucalion::tsdb {

// 32 values: one outlier costs at most 31 neighbours, and 8 values of any width fill whole bytes.
inline constexpr size_t kMiniblock = 32;

// Appends `values` in the format above.
void PackInts(std::span<const int64_t> values, std::string* out);
// Bytes PackInts would append, about: exact but for the rounding of partial bytes.
size_t PackedSize(std::span<const int64_t> values);

// Walks packed integers, one miniblock at a time. Borrows the bytes of the ByteReader given to
// Init.
class PackedIntsReader {
 public:
  // Reads the headers at `in` and moves it behind the payload. False when they do not fit.
  bool Init(ByteReader* in, size_t count);
  // The next miniblock: how many values there are in out[0..32). 0 at the end. Values behind the
  // count are unspecified.
  size_t Next(int64_t* out);

 private:
  size_t PayloadBytes(unsigned symbol, const uint8_t* p, size_t left, size_t count) const;

  std::string_view symbols_;
  ByteReader bases_;
  const uint8_t* payload_ = nullptr;
  const uint8_t* end_ = nullptr;
  size_t count_ = 0;
  size_t block_ = 0;
  unsigned symbol_bits_ = 0;
  unsigned min_symbol_ = 0;
  bool own_bases_ = false;
  uint64_t base_ = 0;
};

namespace packed_internal {
// Unpacks 32 values of `width` bits (0-64). Reads up to 16 bytes behind the packed ones.
using UnpackFn = void (*)(const uint8_t* p, unsigned width, uint64_t* out);
void Unpack32Portable(const uint8_t* p, unsigned width, uint64_t* out);
// Only where HasAvx2().
void Unpack32Avx2(const uint8_t* p, unsigned width, uint64_t* out);
bool HasAvx2();
}  // namespace packed_internal

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_PACKED_INTS_H_
