// Attribute values as text, as Go's pdata turns them into strings: what becomes the value of a
// label. Lists and maps become JSON as Go's encoding/json writes it.
#ifndef DEUCALION_SERVER_REMOTE_OTLP_OTLP_VALUE_H_
#define DEUCALION_SERVER_REMOTE_OTLP_OTLP_VALUE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace deucalion::remote {

// How deep lists and maps may lie in each other; deeper ones are empty.
inline constexpr int kMaxOtlpDepth = 16;

// One value in its two forms: alone, and within the JSON of a list or map.
struct OtlpValue {
  std::string text;
  std::string json = "null";

  static OtlpValue String(std::string_view value);
  static OtlpValue Bool(bool value);
  static OtlpValue Int(int64_t value);
  static OtlpValue Double(double value);
  static OtlpValue Bytes(std::string_view value);  // base64
  static OtlpValue List(const std::vector<OtlpValue>& values);
  static OtlpValue Map(const std::map<std::string, OtlpValue>& values);
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_OTLP_OTLP_VALUE_H_
