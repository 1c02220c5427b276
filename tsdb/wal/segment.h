// WAL segment files: <dir>/<stream>-<segment, 8 digits>.wal
//
//   8 bytes "DEUCWAL1"   u16 stream   u16 streams   u32 segment   u32 crc32c of the 16 bytes before
//   frames (frame.h) to the end of the file
#ifndef DEUCALION_TSDB_WAL_SEGMENT_H_
#define DEUCALION_TSDB_WAL_SEGMENT_H_

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/wal/frame.h"

namespace deucalion::tsdb::wal {

inline constexpr size_t kSegmentHeaderBytes = 20;

// A place in one stream. Segments count from 1; {0, 0} is before everything.
struct Position {
  uint32_t segment = 0;
  uint64_t offset = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

std::string SegmentName(uint32_t stream, uint32_t segment);
// False for other files.
bool ParseSegmentName(std::string_view name, uint32_t* stream, uint32_t* segment);
// Segment numbers of one stream in `dir`, ascending.
Result<std::vector<uint32_t>> ListSegments(FileSystem* fs, const std::string& dir, uint32_t stream);
std::string SegmentHeader(StreamShape shape, uint32_t segment);

// Walks the frames of one segment. `bytes` must outlive the reader. Thread-compatible.
class SegmentReader {
 public:
  enum class Outcome {
    kFrame,
    kEnd,      // exactly at the end of the file
    kTorn,     // an unfinished or damaged frame with nothing readable behind it
    kDamaged,  // a frame whose crc is wrong, with more behind it: Next() goes on there
  };

  // Fails when the header is not that of (shape, segment). `path` is for messages.
  static Result<SegmentReader> Open(std::string path, std::string_view bytes, StreamShape shape,
                                    uint32_t segment);

  // On kFrame *payload is the frame behind its header.
  Outcome Next(std::string_view* payload);
  // Of the next frame; after kTorn, of the bytes that are to go.
  uint64_t offset() const { return offset_; }
  // Continues at `offset`, a frame's begin.
  void Seek(uint64_t offset) { offset_ = offset; }
  // What kTorn and kDamaged found.
  const std::string& problem() const { return problem_; }

 private:
  SegmentReader() = default;
  bool FrameAt(uint64_t offset, std::string_view* payload, std::string* problem) const;

  std::string path_;
  std::string_view bytes_;
  uint64_t offset_ = kSegmentHeaderBytes;
  std::string problem_;
};

}  // namespace deucalion::tsdb::wal

#endif  // DEUCALION_TSDB_WAL_SEGMENT_H_
