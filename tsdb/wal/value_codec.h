// How the WAL writes one float after another of the same series.
//
// Most metrics are decimal numbers with few digits. A value is held as an integer and a power of
// ten, when dividing the one by the other gives back the same 64 bits, and written as the varint of
// its difference to the one before. All else is written as raw bits.
//
//   token (varint):  even  twice the zigzag difference at the series' exponent (0: the same bits
//   again)
//                    1     8 bytes: raw bits; the series is raw from here on
//                    3     the stale marker; what the next value is written against stays
//                    2e+5  exponent e (0..12), then the zigzag varint of the whole integer
//
// A state belongs to one series in one segment: in a new segment the first value is written whole,
// so every segment can be decoded alone.
#ifndef DEUCALION_TSDB_WAL_VALUE_CODEC_H_
#define DEUCALION_TSDB_WAL_VALUE_CODEC_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "model/value.h"

namespace deucalion::tsdb::wal {

inline constexpr int kMaxExponent = 12;
inline constexpr uint8_t kRawExponent = 0xff;
inline constexpr double kPowersOfTen[kMaxExponent + 1] = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                                          1e7, 1e8, 1e9, 1e10, 1e11, 1e12};

struct ValueState {
  uint64_t previous = 0;  // the integer, or raw bits when exponent is kRawExponent
  uint32_t segment = 0;   // in which it was last used; 0 = never
  uint8_t exponent = 0;
  bool introduced = false;  // the labels of the series are in the WAL
};

// Whether `v` is an integer over 10^exponent, bit for bit.
inline bool AsDecimal(double v, int exponent, int64_t* integer) {
  const double scaled = v * kPowersOfTen[exponent];
  // Also false for NaN. Below 2^53 doubles hold every integer.
  if (!(std::fabs(scaled) < 9007199254740992.0)) return false;
  const int64_t i = exponent == 0 ? static_cast<int64_t>(scaled) : std::llrint(scaled);
  const double back = static_cast<double>(i) / kPowersOfTen[exponent];
  *integer = i;
  return std::bit_cast<uint64_t>(back) == std::bit_cast<uint64_t>(v);
}

inline char* PutVarintTo(char* p, uint64_t v) {
  while (v >= 0x80) {
    *p++ = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  *p++ = static_cast<char>(v);
  return p;
}

inline constexpr size_t kMaxValueBytes = 12;

// A value that the fast path could not write: out of line.
char* PutValueSlow(double v, uint32_t segment, ValueState* state, char* p);

// Writes at most kMaxValueBytes and returns the end.
inline char* PutValue(double v, uint32_t segment, ValueState* state, char* p) {
  if (state->segment == segment) {
    if (state->exponent == kRawExponent) {
      if (std::bit_cast<uint64_t>(v) == state->previous) {
        *p++ = 0;
        return p;
      }
    } else {
      int64_t integer;
      if (AsDecimal(v, state->exponent, &integer)) {
        // Both are below 2^53 in size: neither the difference nor twice its zigzag overflows.
        const int64_t delta = integer - static_cast<int64_t>(state->previous);
        state->previous = static_cast<uint64_t>(integer);
        return PutVarintTo(p, ZigZag(delta) << 1);
      }
    }
  }
  return PutValueSlow(v, segment, state, p);
}

// The counterpart. Bytes that make no sense fail the reader. *known is false, and the value without
// meaning, when it was written against one that the reader has not seen (a damaged frame before
// it).
double GetValue(ByteReader* in, uint32_t segment, ValueState* state, bool* known);

}  // namespace deucalion::tsdb::wal

#endif  // DEUCALION_TSDB_WAL_VALUE_CODEC_H_
