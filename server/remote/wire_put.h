// Protobuf's wire format, written: the counterpart of wire.h. As proto3 asks, fields that hold
// their default are left out, except where a function says otherwise.
#ifndef DEUCALION_SERVER_REMOTE_WIRE_PUT_H_
#define DEUCALION_SERVER_REMOTE_WIRE_PUT_H_

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "server/remote/wire.h"

namespace deucalion::remote {

inline void PutKey(std::string* out, uint32_t field, WireType type) {
  PutVarint(out, field << 3 | static_cast<uint32_t>(type));
}
// Always written: members of a oneof, elements of a repeated field.
inline void PutVarintAlways(std::string* out, uint32_t field, uint64_t v) {
  PutKey(out, field, WireType::kVarint);
  PutVarint(out, v);
}
inline void PutDoubleAlways(std::string* out, uint32_t field, double v) {
  PutKey(out, field, WireType::kFixed64);
  PutDouble(out, v);
}
inline void PutBytesAlways(std::string* out, uint32_t field, std::string_view v) {
  PutKey(out, field, WireType::kBytes);
  PutLengthPrefixed(out, v);
}

inline void PutVarintField(std::string* out, uint32_t field, uint64_t v) {
  if (v != 0) PutVarintAlways(out, field, v);
}
inline void PutInt64Field(std::string* out, uint32_t field, int64_t v) {
  PutVarintField(out, field, static_cast<uint64_t>(v));
}
inline void PutSIntField(std::string* out, uint32_t field, int64_t v) {
  PutVarintField(out, field, ZigZag(v));
}
// Minus zero is not the default.
inline void PutDoubleField(std::string* out, uint32_t field, double v) {
  if (std::bit_cast<uint64_t>(v) != 0) PutDoubleAlways(out, field, v);
}
inline void PutBytesField(std::string* out, uint32_t field, std::string_view v) {
  if (!v.empty()) PutBytesAlways(out, field, v);
}

inline size_t VarintSize(uint64_t v) {
  return (static_cast<size_t>(std::bit_width(v | 1)) + 6) / 7;
}
// What PutBytesField takes for `v` under a field number below 16.
inline size_t BytesFieldSize(std::string_view v) {
  return v.empty() ? 0 : 1 + VarintSize(v.size()) + v.size();
}

// A nested message of at most 127 bytes, written in place: its one length byte is filled in when
// this goes out of scope.
class SmallMessage {
 public:
  SmallMessage(std::string* out, uint32_t field) : out_(out) {
    PutKey(out, field, WireType::kBytes);
    begin_ = out->size();
    out->push_back(0);
  }
  ~SmallMessage() { (*out_)[begin_] = static_cast<char>(out_->size() - begin_ - 1); }
  SmallMessage(const SmallMessage&) = delete;
  SmallMessage& operator=(const SmallMessage&) = delete;

 private:
  std::string* const out_;
  size_t begin_ = 0;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_WIRE_PUT_H_
