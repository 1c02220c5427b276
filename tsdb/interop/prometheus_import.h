// PrometheusImport: what Prometheus's head holds in its logs, as blocks of ours.
//
// Read are, below <root>: wal/checkpoint.N, wal/, chunks_head/ and wbl/. Nothing of them is
// changed. As Prometheus does at its start, full chunks come first, then the samples of the WAL
// that are newer; a sample not newer than the newest of its series is dropped (the WAL holds
// out-of-order ones, too: they are in the WBL). In-order samples go through a Head of their own,
// whose full chunks lie in a scratch directory, so memory is what a head takes; out-of-order ones
// are collected up to 64 MiB and then written as blocks that overlap. Damage is reported and passed
// over.
//
// The blocks are finished, but not committed: whoever commits them writes `end` down in the same
// step, and the next import begins there. An import that did not come to that has left nothing
// behind.
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_IMPORT_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_IMPORT_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/status.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "model/value.h"
#include "tsdb/block/block_meta.h"
#include "tsdb/head/head_replay.h"
#include "tsdb/storage/exemplars.h"

namespace deucalion::tsdb {

// How far the logs of a Prometheus directory have been read.
struct PrometheusLogEnd {
  struct Place {
    uint32_t file = 0;  // number of the newest one
    uint64_t bytes = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  Place wal, wbl, head_chunks;
  friend bool operator==(const PrometheusLogEnd&, const PrometheusLogEnd&) = default;

  std::string Encode() const;
  static Result<PrometheusLogEnd> Decode(std::string_view bytes);
  // Where they end now. The default when there are none.
  static Result<PrometheusLogEnd> Find(FileSystem* fs, const std::string& root);
};

struct PrometheusImportOptions {
  FileSystem* fs = nullptr;
  Clock* clock = nullptr;
  Logger* logger = nullptr;
  ReplayTracker* tracker = nullptr;  // may be null
  std::string root;
  std::string scratch_dir;  // made, and removed at the end
  int64_t range_ms = 0;     // of the blocks
  size_t max_exemplars = 0;
  // Out-of-order samples in memory, about 1.6 million, before they become blocks.
  size_t max_late_bytes = 64 << 20;
  // What an earlier import has read.
  PrometheusLogEnd from;
  // In-order samples before it are in Prometheus's blocks.
  int64_t min_valid_ms = kMinTimeMs;
  // Where the block of this ULID is to be written.
  std::function<std::string(const std::string& ulid)> block_dir;
};

struct PrometheusImportStats {
  uint64_t segments = 0;
  uint64_t series = 0;
  uint64_t samples = 0;  // in order, histograms included
  uint64_t late_samples = 0;
  uint64_t chunks = 0;  // of chunks_head
  uint64_t damaged = 0;
  uint64_t torn = 0;             // logs that end within a record
  uint64_t unknown_refs = 0;     // entries of a series nobody introduced
  uint64_t unknown_records = 0;  // of later versions
  uint64_t unusable = 0;         // histograms and times nothing can be done with
};

struct PrometheusImport {
  PrometheusLogEnd end;
  std::vector<BlockMeta> blocks;
  std::vector<std::pair<Labels, Exemplar>> exemplars;  // oldest first
  std::vector<std::pair<Labels, Metadata>> metadata;
  PrometheusImportStats stats;
};

Result<PrometheusImport> ImportPrometheusLogs(const PrometheusImportOptions& options);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_IMPORT_H_
