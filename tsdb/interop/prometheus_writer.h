// Writes blocks in Prometheus's own format (index version 2, chunks of up to 120 samples), so that
// promtool, Thanos, Mimir and Prometheus itself can read our data.
//
// Goes over the series twice (symbols first). Memory: the distinct label strings and 4 bytes per
// label of each series.
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_WRITER_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_WRITER_H_

#include <string>

#include "base/cancel.h"
#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/block/block.h"
#include "tsdb/block/block_meta.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Writes the samples of `set` (sorted) within [meta.min_ms, meta.max_ms) to `dir`, which is made
// under a temporary name and renamed when whole. `meta`: ulid, range and compaction fields. Returns
// it with statistics; without a sample nothing is written. Start timestamps have no place in this
// format's XOR chunks and are left out.
Result<BlockMeta> WritePrometheusBlock(FileSystem* fs, const std::string& dir, const SeriesSet& set,
                                       BlockMeta meta, const CancelToken* cancel = nullptr);

// The same for one of our blocks, deletions applied, as <parent>/<its ULID>.
Result<BlockMeta> ExportPrometheusBlock(FileSystem* fs, std::shared_ptr<const Block> block,
                                        const std::string& parent,
                                        const CancelToken* cancel = nullptr);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_WRITER_H_
