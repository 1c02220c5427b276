// XOR chunks: float samples in the bit layout of Prometheus's EncXOR, so that chunks can be
// streamed and exported as they are.
//
//   u16 big-endian: number of samples
//   bits, most significant first:
//     sample 0:  zigzag varint time_ms, 64 bits of the value
//     sample 1:  varint delta, value
//     sample n:  delta of delta: 0 | 10+14 | 110+17 | 1110+20 | 1111+64 bits, value
//     value:     xor with the one before: 0 | 10 + the bits of the last window
//                | 11 + 5 bits leading zeros + 6 bits width (0 = 64) + bits
//
// Writing is a state and a zeroed buffer, both of the caller (the head packs the state into its
// series record). Reading decodes a whole chunk at once through a 64-bit window.
#ifndef DEUCALION_TSDB_CHUNK_XOR_H_
#define DEUCALION_TSDB_CHUNK_XOR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace deucalion::tsdb {

// What the next sample is written against. A fresh state begins a chunk.
struct XorState {
  int64_t last_ms = 0;
  uint64_t last_bits = 0;
  uint64_t last_delta = 0;
  uint32_t bit_pos = 16;
  uint16_t count = 0;
  uint8_t leading = 0xff;  // 0xff: no window yet
  uint8_t trailing = 0;
};

inline constexpr size_t kXorHeaderBytes = 2;
// One sample takes at most 157 bits; XorAppend stores whole 64-bit words behind that.
inline constexpr size_t kXorRoomBytes = 32;

// Bytes in use, the header included.
inline size_t XorSizeBytes(const XorState& s) { return (s.bit_pos + 7) / 8; }

// Appends one sample. `data` must be zero behind state->bit_pos and have kXorRoomBytes there.
// `time_ms` may be anything; times are expected to ascend.
void XorAppend(XorState* state, uint8_t* data, int64_t time_ms, uint64_t value_bits);

// Writes the header; the chunk is then complete.
inline void XorFinish(const XorState& s, uint8_t* data) {
  data[0] = static_cast<uint8_t>(s.count >> 8);
  data[1] = static_cast<uint8_t>(s.count);
}

// A chunk that grows by itself, for everyone who is not the head.
class XorWriter {
 public:
  void Append(int64_t time_ms, double value);
  uint16_t count() const { return state_.count; }
  size_t size_bytes() const { return XorSizeBytes(state_); }
  const XorState& state() const { return state_; }
  // The finished chunk; valid until the next call of any kind.
  std::string_view Finish();
  void Clear();

 private:
  XorState state_;
  std::vector<uint8_t> data_;
};

// Number of samples the header promises; 0 for fewer than two bytes.
inline uint16_t XorCount(std::string_view chunk) {
  if (chunk.size() < kXorHeaderBytes) return 0;
  return static_cast<uint16_t>(static_cast<uint8_t>(chunk[0]) << 8 |
                               static_cast<uint8_t>(chunk[1]));
}

// Appends the samples of `chunk` to *times and *values. On kCorrupt (the bits end early) nothing is
// appended. `count` overrides the header's count (an open chunk has none yet).
Status XorDecode(std::string_view chunk, size_t count, std::vector<int64_t>* times,
                 std::vector<double>* values);
inline Status XorDecode(std::string_view chunk, std::vector<int64_t>* times,
                        std::vector<double>* values) {
  return XorDecode(chunk, XorCount(chunk), times, values);
}

// The state that continues `chunk`. kCorrupt as above.
Result<XorState> XorResume(std::string_view chunk);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_XOR_H_
