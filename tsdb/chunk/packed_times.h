// Packed columns of timestamps. A regular column is its first time and step; others are packed
// deltas of deltas.
//
//   varint  count
//   svarint first, less the caller's base
//   varint  last - first
//   u8      0 regular (step = (last - first) / (count - 1)), 1 integer column of the times less
//   first [integer column]
//
// Times ascend strictly. Pure functions, thread-safe.
#ifndef DEUCALION_TSDB_CHUNK_PACKED_TIMES_H_
#define DEUCALION_TSDB_CHUNK_PACKED_TIMES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"

namespace deucalion::tsdb {

struct TimesHeader {
  size_t count = 0;
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  bool regular = false;
};

// `times` is not empty and not longer than kMaxColumn.
void EncodeTimes(std::span<const int64_t> times, int64_t base_ms, std::string* out);
// False when the bytes do not decode.
bool DecodeTimesHeader(ByteReader* in, int64_t base_ms, TimesHeader* header);
// Continues behind the header; out has room for header.count. Checks that the times ascend and end
// where the header says.
bool DecodeTimes(ByteReader* in, const TimesHeader& header, int64_t* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_PACKED_TIMES_H_
