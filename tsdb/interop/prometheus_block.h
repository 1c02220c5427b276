// Prometheus block directories as blocks of ours: mounted read-only, rewritten by compaction.
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_BLOCK_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_BLOCK_H_

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/block/block.h"

namespace deucalion::tsdb {

// Index version 2; XOR, XOR2 and histogram chunks; the tombstones file. Series that the tombstones
// name and times outside of meta.json's range are honoured.
Result<std::shared_ptr<Block>> OpenPrometheusBlock(FileSystem* fs, const std::string& dir);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_BLOCK_H_
