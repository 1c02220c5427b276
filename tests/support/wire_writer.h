// Writes protobuf's wire format by hand, for tests of the readers.
#ifndef DEUCALION_TESTS_SUPPORT_WIRE_WRITER_H_
#define DEUCALION_TESTS_SUPPORT_WIRE_WRITER_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace deucalion {

class WireWriter {
 public:
  WireWriter& Varint(uint32_t field, uint64_t v) {
    PutVarint(&out_, field << 3);
    PutVarint(&out_, v);
    return *this;
  }
  WireWriter& SInt(uint32_t field, int64_t v) { return Varint(field, ZigZag(v)); }
  WireWriter& Double(uint32_t field, double v) {
    PutVarint(&out_, field << 3 | 1);
    PutDouble(&out_, v);
    return *this;
  }
  WireWriter& Bytes(uint32_t field, std::string_view v) {
    PutVarint(&out_, field << 3 | 2);
    PutLengthPrefixed(&out_, v);
    return *this;
  }
  WireWriter& Packed(uint32_t field, const std::vector<uint64_t>& values) {
    std::string packed;
    for (const uint64_t v : values) PutVarint(&packed, v);
    return Bytes(field, packed);
  }
  const std::string& str() const { return out_; }

 private:
  std::string out_;
};

// One TimeSeries of remote write 1.0 with one sample.
inline std::string SeriesV1(const std::vector<std::pair<std::string, std::string>>& labels,
                            int64_t time_ms, double value) {
  WireWriter series;
  for (const auto& [name, text] : labels) {
    series.Bytes(1, WireWriter().Bytes(1, name).Bytes(2, text).str());
  }
  series.Bytes(2, WireWriter().Double(1, value).Varint(2, static_cast<uint64_t>(time_ms)).str());
  return series.str();
}

}  // namespace deucalion

#endif  // DEUCALION_TESTS_SUPPORT_WIRE_WRITER_H_
