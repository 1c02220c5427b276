#include "tsdb/chunk/xor2.h"

#include <bit>

#include "model/value.h"
#include "tsdb/chunk/bit_stream.h"
#include "tsdb/chunk/start_times.h"

namespace deucalion::tsdb {
namespace {

constexpr size_t kHeaderBytes = 3;

class Decoder {
 public:
  explicit Decoder(std::string_view chunk)
      : in_(chunk.substr(kHeaderBytes)), start_(static_cast<uint8_t>(chunk[2])) {}

  bool ok() const { return in_.ok(); }
  int64_t time_ms() const { return static_cast<int64_t>(time_); }
  double value() const { return value_; }
  int64_t start_ms() const { return start_.start_ms(); }

  void Next() {
    const uint64_t previous = time_;
    if (read_ == 0) {
      time_ = static_cast<uint64_t>(in_.SignedVarint());
      SetValue(in_.Bits(64));
    } else if (read_ == 1) {
      delta_ = in_.Varint();
      time_ += delta_;
      ReadValue();
    } else {
      ReadJoint();
    }
    start_.Next(static_cast<int64_t>(previous), time_ms(), &in_);
    ++read_;
  }

 private:
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
  StartTimeReader start_;
  unsigned read_ = 0;
  uint64_t time_ = 0, delta_ = 0;
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
