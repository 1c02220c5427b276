// Numbers of the frame format (frame.h), shared by encoder and decoder. On disk: never reused.
#ifndef DEUCALION_TSDB_WAL_FRAME_FORMAT_H_
#define DEUCALION_TSDB_WAL_FRAME_FORMAT_H_

#include <cstddef>
#include <cstdint>

namespace deucalion::tsdb::wal {

inline constexpr uint8_t kFlagZstd = 1;

inline constexpr uint8_t kSeriesSection = 1;
inline constexpr uint8_t kSamplesSection = 2;
inline constexpr uint8_t kStartsSection = 3;
inline constexpr uint8_t kHistogramsSection = 4;
inline constexpr uint8_t kLateSection = 5;
inline constexpr uint8_t kExemplarsSection = 6;
inline constexpr uint8_t kMetadataSection = 7;
inline constexpr uint8_t kDeletionsSection = 8;
inline constexpr uint8_t kLateHistogramsSection = 9;

// Below this zstd's own header eats what it gains.
inline constexpr size_t kCompressFromBytes = 128;

}  // namespace deucalion::tsdb::wal

#endif  // DEUCALION_TSDB_WAL_FRAME_FORMAT_H_
