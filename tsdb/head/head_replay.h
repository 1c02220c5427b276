// Replay: the WAL back into the head at start, one thread per stream.
//
// What is damaged is reported and passed over: a torn end of a stream is cut off; behind a damaged
// frame only values that do not depend on it are taken; entries of an id nobody introduced are
// counted, never attached to anything.
#ifndef DEUCALION_TSDB_HEAD_HEAD_REPLAY_H_
#define DEUCALION_TSDB_HEAD_HEAD_REPLAY_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "tsdb/head/head.h"

namespace deucalion::tsdb {

// Read by any thread while the replay runs.
class ReplayTracker {
 public:
  void Begin(int64_t min, int64_t max) {
    min_ = min;
    max_ = max;
    current_ = min;
  }
  void Advance() { current_++; }
  void Done() {
    current_.store(max_);
    done_ = true;
  }
  ReplayProgress progress() const {
    return {
        .min = min_, .max = max_, .current = std::min(current_.load(), max_.load()), .done = done_};
  }

 private:
  std::atomic<int64_t> min_{0}, max_{0}, current_{0};
  std::atomic<bool> done_{false};
};

struct ReplayStats {
  uint64_t segments = 0;
  uint64_t frames = 0;
  uint64_t series = 0;
  uint64_t samples = 0;
  uint64_t torn_bytes = 0;  // cut off at the end of streams
  uint64_t damaged = 0;     // frames or segments that could not be read
  uint64_t unknown_ids = 0;
  uint64_t unknown_values = 0;  // samples relative to a damaged frame
  void Add(const ReplayStats& other);
};

struct ReplayOptions {
  FileSystem* fs = nullptr;
  std::string dir;
  // Per stream; frames in front are in the checkpoint. Empty = from the beginning.
  std::vector<wal::Position> from;
  // Of the last head cut: samples in frames before these positions and below the floor are in a
  // block.
  std::vector<wal::Position> cut;
  // Ids known from a checkpoint, per stream, with their slots as users. Consumed.
  std::vector<wal::IdTable> known_ids;
  Logger* logger = nullptr;
  ReplayTracker* tracker = nullptr;
};

// Returns the first free segment number of each stream.
Result<std::vector<uint32_t>> ReplayWal(Head* head, ReplayOptions options, ReplayStats* stats);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_HEAD_REPLAY_H_
