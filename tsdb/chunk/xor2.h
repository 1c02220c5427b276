// XOR2 chunks: float samples with optional start timestamps, as Prometheus writes them with
// `storage.tsdb.chunk_encoding.floats: xor2` (encoding 4). Read only.
//
//   u16 big-endian: number of samples
//   u8: header of the start timestamps (start_times.h)
//   bits, most significant first:
//     sample 0:  zigzag varint time_ms, 64 bits of the value, [start]
//     sample 1:  varint delta, value, [start]
//     sample n:  0       same delta, same value
//                10      same delta, then 0 + bits of the last window | 1 + new window
//                110     13 bits delta of delta, value
//                1110    20 bits, value
//                11110   64 bits, value
//                11111   same delta, stale marker
//                then [start]
//     value:     0 unchanged | 10 + bits of the last window | 110 + new window | 111 stale marker
//     window:    5 bits leading zeros, 6 bits width (0 = 64), bits
// A stale marker does not change what later values are XORed with.
#ifndef DEUCALION_TSDB_CHUNK_XOR2_H_
#define DEUCALION_TSDB_CHUNK_XOR2_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace deucalion::tsdb {

inline constexpr uint8_t kXor2Encoding = 4;

// Appends the samples of `chunk`; start timestamps are 0 where unknown. On kCorrupt nothing is
// appended.
Status Xor2Decode(std::string_view chunk, std::vector<int64_t>* times, std::vector<double>* values,
                  std::vector<int64_t>* start_times);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_XOR2_H_
