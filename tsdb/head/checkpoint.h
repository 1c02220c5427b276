// Head checkpoint: the whole head in one file, so that a start replays only the WAL behind it.
//
//   "DEUCCKP2"
//   blocks { u32 bytes of the content, u32 crc32c of kind and content, u8 kind, content }
//     1 pairs      { varint id, length-prefixed pair as Labels encodes it }
//     2 series     see checkpoint_format.h; label sets are lists of pair ids
//     3 exemplars  { length-prefixed series labels, exemplar }
//     4 end        times, next ids, WAL positions, first head chunk file not needed
//
// Self-contained and free of pointers: sealed chunks are named by file and offset, everything else
// is inside. A block that is damaged costs what is in it, and is reported. Without an end the file
// is no checkpoint. Writing it does not stop appends: what is appended meanwhile is in the WAL
// behind it and taken once.
#ifndef DEUCALION_TSDB_HEAD_CHECKPOINT_H_
#define DEUCALION_TSDB_HEAD_CHECKPOINT_H_

#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "tsdb/head/head.h"
#include "tsdb/wal/frame.h"

namespace deucalion::tsdb {

struct CheckpointEnd {
  uint64_t series = 0;
  int64_t floor_ms = kMinTimeMs;
  int64_t min_ms = kMaxTimeMs;
  int64_t max_ms = kMinTimeMs;
  std::vector<uint64_t> next_ids;        // per stream
  std::vector<wal::Position> positions;  // per stream: frames in front are in the checkpoint
  uint32_t chunk_files_below = 0;
  uint32_t oldest_chunk_file = UINT32_MAX;  // of those its series have chunks in
};

// Writes <dir>/checkpoint-<number> and makes it durable, sealed chunks first. On failure nothing
// but a
// *.tmp file is left. Any thread, one at a time.
Result<CheckpointEnd> WriteCheckpoint(Head* head, wal::Wal* wal, const std::string& dir,
                                      uint64_t number);

// A checkpoint opened at start. Finds the end first: the head must be opened with its
// chunk_files_below before Load.
class CheckpointReader {
 public:
  // kCorrupt when it has no end.
  static Result<CheckpointReader> Open(FileSystem* fs, const std::string& path);
  const CheckpointEnd& end() const { return end_; }
  // Blocks that are not what was written. Reads the whole file.
  uint64_t CountDamaged() const;
  // Fills an empty head. *ids: per stream, for the replay. *damaged: blocks that could not be read.
  Status Load(Head* head, std::vector<wal::IdTable>* ids, uint64_t* damaged) const;

 private:
  std::unique_ptr<MappedFile> map_;
  CheckpointEnd end_;
};

std::string CheckpointName(uint64_t number);
bool ParseCheckpointName(std::string_view name, uint64_t* number);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_CHECKPOINT_H_
