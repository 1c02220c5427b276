// Retention: which blocks may go. Pure.
#ifndef DEUCALION_TSDB_COMPACT_RETENTION_H_
#define DEUCALION_TSDB_COMPACT_RETENTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tsdb/storage/admin.h"

namespace deucalion::tsdb {

struct RetainedBlock {
  std::string ulid;
  int64_t max_ms = 0;  // exclusive
  uint64_t size_bytes = 0;
};

struct RetentionDrop {
  std::vector<std::string> by_time;
  std::vector<std::string> by_size;
};

// `other_bytes`: WAL and head, which count against the size but cannot be dropped. `disk_bytes`:
// size of the file system, for the percentage, which takes precedence over the size. Time counts
// back from the end of the newest block. 0 settings are off.
RetentionDrop PlanRetention(std::vector<RetainedBlock> blocks, const StorageSettings& settings,
                            uint64_t other_bytes, uint64_t disk_bytes);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_COMPACT_RETENTION_H_
