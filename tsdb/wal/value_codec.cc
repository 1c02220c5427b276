#include "tsdb/wal/value_codec.h"

#include <cstring>

namespace deucalion::tsdb::wal {
namespace {
constexpr uint64_t kRawToken = 1;
constexpr uint64_t kStaleToken = 3;
constexpr uint64_t kFirstExponentToken = 5;
}  // namespace

char* PutValueSlow(double v, uint32_t segment, ValueState* state, char* p) {
  if (IsStaleNan(v)) {
    *p++ = static_cast<char>(kStaleToken);
    return p;
  }
  const bool was_raw = state->segment == segment && state->exponent == kRawExponent;
  state->segment = segment;
  if (!was_raw) {
    for (int e = 0; e <= kMaxExponent; e++) {
      int64_t integer;
      if (!AsDecimal(v, e, &integer)) continue;
      state->exponent = static_cast<uint8_t>(e);
      state->previous = static_cast<uint64_t>(integer);
      *p++ = static_cast<char>(kFirstExponentToken + 2 * static_cast<uint64_t>(e));
      return PutVarintTo(p, ZigZag(integer));
    }
  }
  state->exponent = kRawExponent;
  state->previous = std::bit_cast<uint64_t>(v);
  *p++ = static_cast<char>(kRawToken);
  std::memcpy(p, &state->previous, 8);
  return p + 8;
}

double GetValue(ByteReader* in, uint32_t segment, ValueState* state, bool* known) {
  const uint64_t token = in->Varint();
  *known = true;
  if (token % 2 == 0) {
    if (state->segment != segment) {
      *known = false;
      return 0;
    }
    if (state->exponent == kRawExponent) {
      if (token != 0) in->Fail();
      return std::bit_cast<double>(state->previous);
    }
    const uint64_t zigzag = token >> 1;
    state->previous += (zigzag >> 1) ^ (~(zigzag & 1) + 1);
    return static_cast<double>(static_cast<int64_t>(state->previous)) /
           kPowersOfTen[state->exponent];
  }
  if (token == kStaleToken) return StaleNan();
  state->segment = segment;
  if (token == kRawToken) {
    state->exponent = kRawExponent;
    state->previous = in->Fixed64();
    return std::bit_cast<double>(state->previous);
  }
  const uint64_t exponent = (token - kFirstExponentToken) / 2;
  if (exponent > kMaxExponent) return static_cast<double>(in->Fail());
  state->exponent = static_cast<uint8_t>(exponent);
  state->previous = static_cast<uint64_t>(in->SignedVarint());
  return static_cast<double>(static_cast<int64_t>(state->previous)) / kPowersOfTen[state->exponent];
}

}  // namespace deucalion::tsdb::wal
