#include "tsdb/compact/retention.h"

#include <algorithm>

namespace deucalion::tsdb {

RetentionDrop PlanRetention(std::vector<RetainedBlock> blocks, const StorageSettings& settings,
                            uint64_t other_bytes, uint64_t disk_bytes) {
  RetentionDrop drop;
  if (blocks.empty()) return drop;
  std::sort(blocks.begin(), blocks.end(), [](const RetainedBlock& a, const RetainedBlock& b) {
    return a.max_ms > b.max_ms || (a.max_ms == b.max_ms && a.ulid > b.ulid);
  });
  const uint64_t budget = settings.retention_percent > 0
                              ? static_cast<uint64_t>(static_cast<double>(disk_bytes) *
                                                      settings.retention_percent / 100)
                              : settings.retention_bytes;
  const int64_t newest = blocks[0].max_ms;
  uint64_t used = other_bytes;
  bool full = false;
  for (const RetainedBlock& b : blocks) {
    if (settings.retention_ms > 0 && newest - b.max_ms >= settings.retention_ms) {
      drop.by_time.push_back(b.ulid);
      continue;
    }
    used += b.size_bytes;
    // Once over the budget everything older goes, even where a small block would fit.
    full |= budget > 0 && used > budget;
    if (full) drop.by_size.push_back(b.ulid);
  }
  return drop;
}

}  // namespace deucalion::tsdb
