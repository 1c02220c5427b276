// Writes XOR2 chunks, which we only read.
#ifndef DEUCALION_TESTS_TSDB_CHUNK_XOR2_ENCODER_H_
#define DEUCALION_TESTS_TSDB_CHUNK_XOR2_ENCODER_H_

#include <bit>
#include <string>
#include <vector>

#include "model/value.h"
#include "tsdb/chunk/bit_stream.h"

namespace deucalion::tsdb {

struct Xor2Sample {
  int64_t time_ms;
  double value;
  int64_t start_ms;
};

// Writes the format of xor2.h the plain way.
class Xor2Encoder {
 public:
  std::string Encode(const std::vector<Xor2Sample>& samples) {
    size_t change = 0;
    for (size_t i = 1; i < samples.size() && change == 0 && i < 128; ++i) {
      if (samples[i].start_ms != samples[i - 1].start_ms || i == 127) change = i;
    }
    const bool known = samples[0].start_ms != 0;
    bytes_ = {static_cast<char>(samples.size() >> 8), static_cast<char>(samples.size()),
              static_cast<char>((known ? 0x80 : 0) | change)};
    uint64_t delta = 0, difference = 0;
    for (size_t i = 0; i < samples.size(); ++i) {
      const Xor2Sample& s = samples[i];
      if (i == 0) {
        Varint(ZigZag(s.time_ms));
        out_.Double(s.value);
        if (!IsStaleNan(s.value)) base_ = std::bit_cast<uint64_t>(s.value);
        if (known) Varint(ZigZag(s.time_ms - s.start_ms));
        continue;
      }
      const uint64_t now = static_cast<uint64_t>(s.time_ms - samples[i - 1].time_ms);
      if (i == 1) {
        Varint(now);
        Value(s.value);
      } else {
        Joint(static_cast<int64_t>(now - delta), s.value);
      }
      delta = now;
      if (change > 0 && i >= change) {
        const uint64_t d = static_cast<uint64_t>(samples[i - 1].time_ms - s.start_ms);
        out_.Varbit(static_cast<int64_t>(i == change ? d : d - difference));
        difference = d;
      }
    }
    return bytes_;
  }

 private:
  static uint64_t ZigZag(int64_t v) {
    return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
  }
  void Varint(uint64_t v) {
    for (; v >= 0x80; v >>= 7) out_.Bits((v & 0x7f) | 0x80, 8);
    out_.Bits(v, 8);
  }
  void Joint(int64_t change, double value) {
    const bool same = std::bit_cast<uint64_t>(value) == base_;
    if (change == 0) {
      if (IsStaleNan(value)) return out_.Bits(0b11111, 5);
      if (same) return out_.Bits(0, 1);
      out_.Bits(0b10, 2);
      return Changed(value, 0b0, 1, 0b1, 1);
    }
    if (change >= -4096 && change <= 4095) {
      out_.Bits(0b110, 3);
      out_.Bits(static_cast<uint64_t>(change) & 0x1fff, 13);
    } else if (change >= -524288 && change <= 524287) {
      out_.Bits(0b1110, 4);
      out_.Bits(static_cast<uint64_t>(change) & 0xfffff, 20);
    } else {
      out_.Bits(0b11110, 5);
      out_.Bits(static_cast<uint64_t>(change), 64);
    }
    Value(value);
  }
  void Value(double value) {
    if (IsStaleNan(value)) return out_.Bits(0b111, 3);
    if (std::bit_cast<uint64_t>(value) == base_) return out_.Bits(0, 1);
    Changed(value, 0b10, 2, 0b110, 3);
  }
  void Changed(double value, uint64_t same, unsigned same_bits, uint64_t fresh,
               unsigned fresh_bits) {
    const uint64_t x = std::bit_cast<uint64_t>(value) ^ base_;
    base_ = std::bit_cast<uint64_t>(value);
    const int leading = std::min(std::countl_zero(x), 31), trailing = std::countr_zero(x);
    if (leading_ >= 0 && leading >= leading_ && trailing >= trailing_) {
      out_.Bits(same, same_bits);
      return out_.Bits(x >> trailing_, static_cast<unsigned>(64 - leading_ - trailing_));
    }
    leading_ = leading;
    trailing_ = trailing;
    out_.Bits(fresh, fresh_bits);
    out_.Bits(static_cast<uint64_t>(leading), 5);
    out_.Bits(static_cast<uint64_t>(64 - leading - trailing) & 63, 6);
    out_.Bits(x >> trailing, static_cast<unsigned>(64 - leading - trailing));
  }

  std::string bytes_;
  BitWriter out_{&bytes_};
  uint64_t base_ = 0;
  int leading_ = -1, trailing_ = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TESTS_TSDB_CHUNK_XOR2_ENCODER_H_
