// The series entry of a checkpoint (checkpoint.h), shared by writer and reader.
//
//   varint id, varint shard, u32 tag, varint number of pairs, pair ids
//   zigzag last_ms, u64 last value bits
//   varint number of sealed chunks { u8 where, zigzag max_ms, then
//     where 0: u64 location   1: u8 encoding, varint count, length-prefixed bytes }
//   u8 open chunk: 0 none   1 run: zigzag first ms, varint distance, u64 bits, varint count
//                  2 XOR: length-prefixed bytes
//   u8 side: bits kSide*; then, each if its bit is set:
//     histograms: u8 is_float, varint count, zigzag first ms, length-prefixed entries, last
//     late: varint n { zigzag ms, u64 bits, zigzag start ms }
//     starts: varint n { zigzag from ms, zigzag start ms }
//     deleted: varint n { zigzag min, max }
//     metadata: u8 kind, length-prefixed unit, help
//     late histograms: varint n { zigzag ms, zigzag start ms, u8 is_float, length-prefixed bytes }
#ifndef DEUCALION_TSDB_HEAD_CHECKPOINT_FORMAT_H_
#define DEUCALION_TSDB_HEAD_CHECKPOINT_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace deucalion::tsdb {

inline constexpr std::string_view kCheckpointMagic = "DEUCCKP2";
inline constexpr size_t kCheckpointBlockHeader = 9;
inline constexpr size_t kCheckpointBlockBytes = 1 << 18;

inline constexpr uint8_t kPairsBlock = 1;
inline constexpr uint8_t kSeriesBlock = 2;
inline constexpr uint8_t kExemplarsBlock = 3;
inline constexpr uint8_t kEndBlock = 4;

inline constexpr uint8_t kOpenNone = 0;
inline constexpr uint8_t kOpenRun = 1;
inline constexpr uint8_t kOpenXor = 2;

inline constexpr uint8_t kSideHistograms = 1;
inline constexpr uint8_t kSideLate = 2;
inline constexpr uint8_t kSideStarts = 4;
inline constexpr uint8_t kSideDeleted = 8;
inline constexpr uint8_t kSideMetadata = 16;
inline constexpr uint8_t kSideLateHistograms = 32;

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_CHECKPOINT_FORMAT_H_
