// A cursor over protobuf's wire format, for the messages that arrive by the million. Never reads
// past its end; ask ok() once when done. Views are valid as long as the bytes. Source:
// https://protobuf.dev/programming-guides/encoding/
#ifndef DEUCALION_SERVER_REMOTE_WIRE_H_
#define DEUCALION_SERVER_REMOTE_WIRE_H_

#include <bit>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace deucalion::remote {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : in_(bytes) {}

  // Moves to the next field; false at the end or after an error.
  bool Next() {
    if (in_.done()) return false;
    const uint64_t key = in_.Varint();
    field_ = static_cast<uint32_t>(key >> 3);
    type_ = static_cast<WireType>(key & 7);
    if (!in_.ok() || field_ == 0 || (key >> 3) > 0x1fffffff) {
      in_.Fail();
      return false;
    }
    return true;
  }
  uint32_t field() const { return field_; }
  WireType type() const { return type_; }
  bool ok() const { return in_.ok(); }
  // Bytes behind the current field once its value has been read.
  size_t remaining() const { return in_.remaining(); }

  // The value of the current field. A field of another wire type than wanted fails.
  uint64_t Varint() { return type_ == WireType::kVarint ? in_.Varint() : in_.Fail(); }
  int64_t Int64() { return static_cast<int64_t>(Varint()); }
  int64_t SInt64() { return UnZigZag(Varint()); }
  double Double() {
    return std::bit_cast<double>(type_ == WireType::kFixed64 ? in_.Fixed64() : in_.Fail());
  }
  uint64_t Fixed64() { return type_ == WireType::kFixed64 ? in_.Fixed64() : in_.Fail(); }
  std::string_view Bytes() {
    if (type_ == WireType::kBytes) return in_.LengthPrefixed();
    in_.Fail();
    return {};
  }
  void Skip() {
    switch (type_) {
      case WireType::kVarint:
        in_.Varint();
        return;
      case WireType::kFixed64:
        in_.Skip(8);
        return;
      case WireType::kBytes:
        in_.LengthPrefixed();
        return;
      case WireType::kFixed32:
        in_.Skip(4);
        return;
      default:
        in_.Fail();
    }
  }
  void Fail() { in_.Fail(); }

  // Repeated numbers come packed or one by one; `add` sees each.
  template <typename F>
  void RepeatedVarint(F&& add) {
    if (type_ == WireType::kVarint) return add(in_.Varint());
    ByteReader packed(Bytes());
    while (!packed.done()) add(packed.Varint());
    if (!packed.ok()) in_.Fail();
  }
  template <typename F>
  void RepeatedFixed64(F&& add) {
    if (type_ == WireType::kFixed64) return add(in_.Fixed64());
    ByteReader packed(Bytes());
    while (!packed.done()) add(packed.Fixed64());
    if (!packed.ok()) in_.Fail();
  }
  template <typename F>
  void RepeatedDouble(F&& add) {
    if (type_ == WireType::kFixed64) return add(Double());
    ByteReader packed(Bytes());
    while (!packed.done()) add(packed.Double());
    if (!packed.ok()) in_.Fail();
  }

  static int64_t UnZigZag(uint64_t u) {
    return static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1);
  }

 private:
  ByteReader in_;
  uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_WIRE_H_
