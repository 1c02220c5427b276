// Wal: the streams of one write-ahead log and the thread that syncs them every 200 ms.
//
// Series belong to a stream for good (id % streams), so streams can be written and replayed side by
// side. Thread-safe.
#ifndef DEUCALION_TSDB_WAL_WAL_H_
#define DEUCALION_TSDB_WAL_WAL_H_

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/thread_annotations.h"
#include "tsdb/wal/stream_writer.h"

namespace deucalion::tsdb::wal {

class Wal {
 public:
  struct Options {
    FileSystem* fs = nullptr;
    std::string dir;
    uint32_t streams = 2;
    Durability durability = Durability::kInterval;
    uint64_t segment_bytes = 32 << 20;
    std::vector<uint32_t> first_segments;  // per stream, above all that exist
    Summary* sync_seconds = nullptr;       // how long syncs take; may be null
  };
  // Starts the sync thread when durability is kInterval.
  explicit Wal(Options options);
  ~Wal();

  uint32_t streams() const { return options_.streams; }
  StreamWriter* stream(uint32_t i) { return writers_[i].get(); }
  const std::string& dir() const { return options_.dir; }

  Status SyncAll();
  // A new segment in every stream; what was committed before is in front of the positions returned.
  Result<std::vector<Position>> RollAll();
  // Removes whole segments that lie in front of `positions`.
  Status DropBefore(const std::vector<Position>& positions);
  // No commit may be running. Idempotent.
  Status Close();

  std::vector<Position> Ends() const;
  uint64_t written_bytes() const;
  uint64_t writes() const;
  uint64_t failed_writes() const;
  Result<uint64_t> SizeOnDisk() const;
  Status health() const;

 private:
  void SyncLoop();

  const Options options_;
  std::vector<std::unique_ptr<StreamWriter>> writers_;
  Mutex mu_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mu_) = false;
  std::jthread sync_thread_;
};

}  // namespace deucalion::tsdb::wal

#endif  // DEUCALION_TSDB_WAL_WAL_H_
