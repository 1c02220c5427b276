// BlockReader: opens a block of our format. Start-up costs meta.json, two small directories and a
// mapping per file; sizes are checked against meta.json before anything is mapped.
#ifndef DEUCALION_TSDB_BLOCK_BLOCK_READER_H_
#define DEUCALION_TSDB_BLOCK_BLOCK_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "tsdb/block/block.h"
#include "tsdb/block/page_cache.h"
#include "tsdb/block/segment_reader.h"
#include "tsdb/index/block_index.h"

namespace deucalion::tsdb {

class BlockReader : public Block {
 public:
  // `cache` and `fs` must outlive the block.
  static Result<std::shared_ptr<BlockReader>> Open(FileSystem* fs, const std::string& dir,
                                                   PageCache* cache = PageCache::Shared());

  const BlockMeta& meta() const override { return meta_; }
  const std::string& dir() const override { return dir_; }
  const IndexReader& index() const override { return *index_; }
  Status Health() const override { return index_->Health(); }
  std::unique_ptr<SeriesCursor> NewCursor() const override;
  Status LabelsOf(SeriesNumber series, Labels* out) const override;
  Result<std::vector<std::string>> LabelNames() const override { return index_->LabelNames(); }
  Result<std::vector<std::string>> LabelNamesOf(PostingsView series) const override {
    return index_->LabelNamesOf(series);
  }
  Status ReadRaw(SeriesNumber series, int64_t min_ms, int64_t max_ms,
                 SampleColumns* out) const override;
  Status ChunksOf(SeriesNumber series, std::vector<StoredChunk>* out) const override;
  bool ReadSummaries(SeriesNumber series, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                     Status* status) const override;
  Status VerifyAll() const override;
  uint64_t SizeBytes() const override { return meta_.SizeBytes(); }

  const BlockIndex& block_index() const { return *index_; }
  const SegmentReader& segments() const { return *segments_; }

 private:
  BlockReader() = default;

  BlockMeta meta_;
  std::string dir_;
  std::unique_ptr<BlockIndex> index_;
  std::unique_ptr<SegmentReader> segments_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_BLOCK_READER_H_
