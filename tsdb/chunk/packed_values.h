// Packed columns of doubles: what blocks store. Lossless for every 64-bit pattern.
//
// A column is the smallest of
//   constant     a decimal (exponent and mantissa as varint) or 8 raw bytes
//   decimals     value = m / 10^e with whole m; of m the values themselves, deltas or deltas of
//   deltas,
//                divided by their greatest common divisor, in packed_ints
//   bits         the same over the bit patterns taken as integers
//   xor          each pattern XOR the one before, less common trailing zeros, in packed_ints
// Values that are no short decimals (stale markers, NaN, Inf, -0, single odd ones) leave the
// integer stream and go into an exception list in front of it. Byte layout: docs/storage-format.md.
//
// The count is not stored: it belongs to the time column. Functions are pure and thread-safe.
#ifndef DEUCALION_TSDB_CHUNK_PACKED_VALUES_H_
#define DEUCALION_TSDB_CHUNK_PACKED_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"

namespace deucalion::tsdb {

// Columns are at most this long; more is refused when decoding, so hostile bytes cannot ask for
// memory without bound.
inline constexpr size_t kMaxColumn = 1u << 16;

// Appends at most kMaxColumn values.
void EncodeValues(std::span<const double> values, std::string* out);
// Reads `count` values into out[0..count). False when the bytes do not decode; `in` has failed
// then.
bool DecodeValues(ByteReader* in, size_t count, double* out);
// Moves `in` behind a column without decoding it.
bool SkipValues(ByteReader* in, size_t count);
// The column's only value when it is stored as a constant without exceptions. Does not move `in`.
bool ConstantValue(ByteReader in, double* value);

// Integer columns (start timestamps): the integer forms above, without exceptions.
void EncodeIntegers(std::span<const int64_t> values, std::string* out);
bool DecodeIntegers(ByteReader* in, size_t count, int64_t* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_PACKED_VALUES_H_
