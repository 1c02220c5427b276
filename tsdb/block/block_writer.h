// BlockWriter: makes a block directory out of series that come in label order. Memory is bounded by
// one page per kind, the time columns seen and the label values; samples never accumulate.
//
//   BlockWriter::Create(fs, "…/X.tmp-for-creation", options)   -> Add()… -> Finish()
//
// After Finish everything in the directory is synced, and so is the directory itself; giving it its
// final name, and the manifest, are the caller's. Without Finish, or after an error, the directory
// is rubbish for the caller to remove.
#ifndef DEUCALION_TSDB_BLOCK_BLOCK_WRITER_H_
#define DEUCALION_TSDB_BLOCK_BLOCK_WRITER_H_

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "model/labels.h"
#include "tsdb/block/block_meta.h"
#include "tsdb/block/chunk_codec.h"
#include "tsdb/block/segment_writer.h"
#include "tsdb/index/block_index_writer.h"

namespace deucalion::tsdb {

// Blocks of this length and more carry summaries.
inline constexpr int64_t kSummaryBlockMs = 8 * 3'600'000;

struct BlockWriterOptions {
  SegmentOptions segments;
  bool summaries = false;
  const SliceMetrics* metrics = nullptr;  // must outlive the writer
};

// Thread-compatible. After a failed call the writer is dead.
class BlockWriter {
 public:
  // `meta`: ulid, min_ms, max_ms, compaction and cut fields; statistics and files are filled in.
  static Result<std::unique_ptr<BlockWriter>> Create(FileSystem* fs, const std::string& dir,
                                                     BlockMeta meta,
                                                     const BlockWriterOptions& options);
  // Series in strictly ascending label order. All samples lie within [min_ms, max_ms). A series
  // without samples is skipped.
  Status Add(LabelsView labels, const SampleColumns& samples);
  Result<BlockMeta> Finish();
  uint64_t series() const { return index_->series(); }
  uint64_t samples() const { return meta_.samples; }

 private:
  BlockWriter(FileSystem* fs, std::string dir, BlockMeta meta, const BlockWriterOptions& options);

  FileSystem* const fs_;
  const std::string dir_;
  const BlockWriterOptions options_;
  BlockMeta meta_;
  SegmentWriter segments_;
  ChunkWriter chunks_;
  std::unique_ptr<BlockIndexWriter> index_;
  std::vector<ChunkPlace> places_;
  std::string summary_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_BLOCK_WRITER_H_
