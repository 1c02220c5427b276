#include "tsdb/chunk/xor2.h"

#include <bit>

#include "model/value.h"
#include "tsdb/chunk/bit_stream.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kHeaderBytes = 3;

class Decoder {
 public:
  explicit Decoder(std::string_view chunk) : in_(chunk.substr(kHeaderBytes)) {
    const auto flags = static_cast<uint8_t>(chunk[2]);
    first_start_known_ = (flags & 0x80) != 0;
    first_change_ = flags & 0x7f;
  }

  bool ok() const { return in_.ok(); }
  int64_t time_ms() const { return static_cast<int64_t>(time_); }
  double value() const { return value_; }
  int64_t start_ms() const { return static_cast<int64_t>(start_); }

  void Next() {
    const uint64_t previous = time_;
    if (read_ == 0) {
      time_ = static_cast<uint64_t>(SignedVarint());
      SetValue(in_.Bits(64));
      if (first_start_known_) start_ = time_ - static_cast<uint64_t>(SignedVarint());
    } else if (read_ == 1) {
      delta_ = Varint();
      time_ += delta_;
      ReadValue();
    } else {
      ReadJoint();
    }
    if (read_ > 0 && first_change_ > 0 && read_ >= first_change_) {
      const uint64_t difference = static_cast<uint64_t>(in_.Varbit());
      start_difference_ = read_ == first_change_ ? difference : start_difference_ + difference;
      start_ = previous - start_difference_;
    }
    ++read_;
  }

 private:
  uint64_t Varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = in_.Bits(8);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return in_.Fail();
  }
  int64_t SignedVarint() {
    const uint64_t u = Varint();
    return static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1);
  }

  void ReadJoint() {
    unsigned ones = 0;
    while (ones < 5 && in_.Bit()) ++ones;
    constexpr unsigned kWidths[] = {0, 0, 13, 20, 64, 0};
    if (const unsigned width = kWidths[ones]; width > 0) {
      uint64_t change = in_.Bits(width);
      if (width < 64 && (change >> (width - 1)) != 0) change -= uint64_t{1} << width;
      delta_ += change;
    }
    time_ += delta_;
    if (ones == 0) {
      value_ = std::bit_cast<double>(base_);
    } else if (ones == 1) {
      in_.Bit() ? NewWindow() : SameWindow();
    } else if (ones == 5) {
      value_ = StaleNan();
    } else {
      ReadValue();
    }
  }

  void ReadValue() {
    if (!in_.Bit()) {
      value_ = std::bit_cast<double>(base_);
    } else if (!in_.Bit()) {
      SameWindow();
    } else if (!in_.Bit()) {
      NewWindow();
    } else {
      value_ = StaleNan();
    }
  }

  void SameWindow() { SetValue(base_ ^ in_.Bits(width_) << trailing_); }

  void NewWindow() {
    const unsigned leading = static_cast<unsigned>(in_.Bits(5));
    width_ = static_cast<unsigned>(in_.Bits(6));
    if (width_ == 0) width_ = 64;
    if (leading + width_ > 64) {
      in_.Fail();
      width_ = 64;
      trailing_ = 0;
      return;
    }
    trailing_ = 64 - leading - width_;
    SameWindow();
  }

  void SetValue(uint64_t bits) {
    value_ = std::bit_cast<double>(bits);
    if (!IsStaleNan(value_)) base_ = bits;
  }

  BitReader in_;
  bool first_start_known_ = false;
  unsigned first_change_ = 0;
  unsigned read_ = 0;
  uint64_t time_ = 0, delta_ = 0;
  uint64_t start_ = 0, start_difference_ = 0;
  uint64_t base_ = 0;
  double value_ = 0;
  unsigned width_ = 64, trailing_ = 0;
};

}  // namespace

Status Xor2Decode(std::string_view chunk, std::vector<int64_t>* times, std::vector<double>* values,
                  std::vector<int64_t>* start_times) {
  if (chunk.size() < kHeaderBytes) return CorruptError("xor2 chunk: shorter than its header");
  const size_t count =
      static_cast<size_t>(static_cast<uint8_t>(chunk[0])) << 8 | static_cast<uint8_t>(chunk[1]);
  const size_t begin = times->size();
  Decoder decoder(chunk);
  for (size_t i = 0; i < count; ++i) {
    decoder.Next();
    if (!decoder.ok()) {
      times->resize(begin);
      values->resize(begin);
      start_times->resize(begin);
      return CorruptError("xor2 chunk: ends in sample " + std::to_string(i) + " of " +
                          std::to_string(count));
    }
    times->push_back(decoder.time_ms());
    values->push_back(decoder.value());
    start_times->push_back(decoder.start_ms());
  }
  return OkStatus();
}

}  // namespace deucalion::tsdb
