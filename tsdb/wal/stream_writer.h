// StreamWriter: the writing end of one WAL stream, with group commit.
//
// A commit encodes its frames under the stream's lock, so that the order of frames is the order of
// encoding (values are relative to the ones before). Then one of the waiting commits, the leader,
// writes everything encoded so far in one call; the others wait for it.
//
// Thread-safe. When a write fails, every commit encoded so far and not yet written fails with its
// error; the segment is cut back to its last good frame and given up, and the next commit begins a
// new one, so that a full disk heals by itself. When a sync fails the stream is dead: what the
// kernel dropped cannot be known, and every later commit is refused (kUnavailable) until a restart.
#ifndef DEUCALION_TSDB_WAL_STREAM_WRITER_H_
#define DEUCALION_TSDB_WAL_STREAM_WRITER_H_

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/metrics.h"
#include "base/thread_annotations.h"
#include "tsdb/wal/frame.h"
#include "tsdb/wal/segment.h"

namespace deucalion::tsdb::wal {

enum class Durability {
  kOs,        // handed to the operating system
  kInterval,  // and synced every 200 ms
  kAlways,    // synced before a commit returns
};

// What a commit writes into. Lives for one encode call.
class CommitSink {
 public:
  virtual ~CommitSink() = default;
  virtual FrameEncoder* encoder() = 0;
  // Ends the frame and begins another one when it has grown large enough. Call between series.
  virtual void MaybeSplit() = 0;
  // Ends the frame whatever its size: what follows is to be read after it.
  virtual void Split() = 0;
  // To be told (under the stream's lock) that `state` belongs to a series introduced by this
  // commit: when the write fails the series counts as not introduced again.
  virtual void Introduced(ValueState* state) = 0;
};

class StreamWriter {
 public:
  struct Options {
    FileSystem* fs = nullptr;
    std::string dir;
    StreamShape shape;
    Durability durability = Durability::kInterval;
    uint64_t segment_bytes = 32 << 20;
    uint32_t first_segment = 1;       // above all that exist
    Summary* sync_seconds = nullptr;  // how long syncs take; may be null
  };
  explicit StreamWriter(Options options);

  // `encode` is called once, under the stream's lock. OK when the frames are written (and synced,
  // when durability asks). *end, if not null, is the position behind them.
  Status Commit(const std::function<void(CommitSink*)>& encode, Position* end = nullptr)
      EXCLUDES(mu_);
  // Makes everything written so far durable.
  Status Sync() EXCLUDES(mu_);
  // Ends the segment: the next frame begins a new one. Returns its position. What was encoded is
  // written.
  Result<Position> Roll() EXCLUDES(mu_);
  Status Close() EXCLUDES(mu_);

  // Behind the newest written frame.
  Position end() const EXCLUDES(mu_);
  uint32_t segment() const EXCLUDES(mu_);
  uint64_t written_bytes() const EXCLUDES(mu_);
  // Writes to the file: of one commit or of several; and those that failed.
  uint64_t writes() const { return writes_.load(std::memory_order_relaxed); }
  uint64_t failed_writes() const { return failed_writes_.load(std::memory_order_relaxed); }
  // OK, or why the stream takes no more commits.
  Status health() const EXCLUDES(mu_);

 private:
  struct Ticket {
    bool done = false;
    Status status;
    Position end;
    std::vector<ValueState*> introduced;
  };
  // Frames of one segment that wait to be written.
  struct Batch {
    uint32_t segment = 0;
    std::string bytes;
    std::vector<Ticket*> tickets;
  };
  class Sink;

  Batch* OpenBatch() REQUIRES(mu_);
  void Lead() REQUIRES(mu_);
  void AcquireFile() REQUIRES(mu_);
  void ReleaseFile() REQUIRES(mu_);
  Status WriteBatch(const Batch& batch);
  Status OpenSegment(uint32_t segment);
  Status SyncFile();  // sync_failed_ when it fails
  void FailPending(Batch* first, const Status& status) REQUIRES(mu_);
  void AbandonSegment();
  void Die(const Status& synced) REQUIRES(mu_);

  const Options options_;
  std::atomic<uint64_t> writes_{0};
  std::atomic<uint64_t> failed_writes_{0};

  mutable Mutex mu_;
  CondVar changed_;
  FrameEncoder encoder_ GUARDED_BY(mu_);
  std::deque<Batch> queue_ GUARDED_BY(mu_);
  // Whether some thread owns the file fields below; they are touched without the lock meanwhile.
  bool file_taken_ GUARDED_BY(mu_) = false;
  uint32_t segment_ GUARDED_BY(mu_);  // in which frames are encoded
  uint64_t segment_encoded_ GUARDED_BY(mu_) = 0;
  Position end_ GUARDED_BY(mu_);
  uint64_t written_bytes_ GUARDED_BY(mu_) = 0;
  Status dead_ GUARDED_BY(mu_);

  std::unique_ptr<AppendFile> file_;
  std::string file_path_;
  uint32_t file_segment_ = 0;
  uint64_t file_good_bytes_ = 0;
  bool dirty_ = false;
  Status sync_failed_;
};

}  // namespace deucalion::tsdb::wal

#endif  // DEUCALION_TSDB_WAL_STREAM_WRITER_H_
