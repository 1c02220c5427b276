// Operating a database: snapshots, deletion, statistics, replay progress, reloadable settings.
#ifndef DEUCALION_TSDB_STORAGE_ADMIN_H_
#define DEUCALION_TSDB_STORAGE_ADMIN_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/matcher.h"

namespace deucalion {

// Names and counts, highest first.
using Cardinality = std::vector<std::pair<std::string, uint64_t>>;

struct HeadStats {
  uint64_t series = 0;
  uint64_t chunks = 0;
  uint64_t label_pairs = 0;
  int64_t min_ms = 0, max_ms = 0;
};

// What /api/v1/status/tsdb shows.
struct TsdbStats {
  HeadStats head;
  Cardinality series_by_metric;
  Cardinality values_by_label;
  Cardinality bytes_by_label;
  Cardinality series_by_pair;  // "name=value"
};

struct BlockInfo {
  struct Parent {
    std::string id;
    int64_t min_ms = 0, max_ms = 0;
  };

  std::string id;                  // ULID
  int64_t min_ms = 0, max_ms = 0;  // max exclusive, as in meta.json
  uint64_t samples = 0, float_samples = 0, histogram_samples = 0;
  uint64_t series = 0, chunks = 0, tombstones = 0, size_bytes = 0;
  int level = 1;
  // What meta.json says of the blocks it was made of, and how.
  std::vector<std::string> sources, hints;
  std::vector<Parent> parents;
  bool failed = false;  // a compaction of it failed before
};

// Segments of WAL replay at start: min, max, current.
struct ReplayProgress {
  int64_t min = 0, max = 0, current = 0;
  bool done = false;
};

// Settings that a reload may change. 0 = not set.
struct StorageSettings {
  int64_t retention_ms = 0;
  uint64_t retention_bytes = 0;
  double retention_percent = 0;
  int64_t out_of_order_window_ms = 0;
  int64_t max_exemplars = 0;
};

// Thread-safe.
class StorageAdmin {
 public:
  virtual ~StorageAdmin() = default;
  // Writes blocks (and, unless skip_head, the head as blocks) below <path>/snapshots; returns the
  // folder's name.
  virtual Result<std::string> Snapshot(bool skip_head) = 0;
  // Both ends inclusive.
  virtual Status DeleteSeries(int64_t min_ms, int64_t max_ms,
                              const std::vector<Matcher>& matchers) = 0;
  virtual Status CleanTombstones() = 0;
  virtual Result<TsdbStats> Stats(size_t limit) = 0;
  virtual std::vector<BlockInfo> Blocks() = 0;
  virtual ReplayProgress replay() const = 0;
  virtual Status Apply(const StorageSettings& settings) = 0;
  // Oldest and newest sample time of all; kMaxTimeMs / kMinTimeMs when empty.
  virtual std::pair<int64_t, int64_t> TimeBounds() = 0;
};

}  // namespace deucalion

#endif  // DEUCALION_TSDB_STORAGE_ADMIN_H_
