// Writes the index of a block, streaming: series come in label order and leave memory as rows; only
// label values and their postings (compressed) stay until Finish.
#ifndef DEUCALION_TSDB_INDEX_BLOCK_INDEX_WRITER_H_
#define DEUCALION_TSDB_INDEX_BLOCK_INDEX_WRITER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file_system.h"
#include "base/status.h"
#include "model/labels.h"
#include "tsdb/block/checked_file.h"
#include "tsdb/index/series_rows.h"

namespace deucalion::tsdb {

// Thread-compatible. After a failed call the writer is dead and its file to be deleted.
class BlockIndexWriter {
 public:
  // [min_ms, max_ms]: what no sample of the block lies outside of.
  static Result<std::unique_ptr<BlockIndexWriter>> Create(FileSystem* fs, const std::string& path,
                                                          int64_t min_ms, int64_t max_ms,
                                                          bool with_summaries);
  ~BlockIndexWriter();

  // `labels` must sort after those of the series before. Chunks in the order they were written.
  Status Add(LabelsView labels, int64_t first_ms, int64_t last_ms,
             std::span<const ChunkPlace> chunks, const ChunkPlace& summary);
  // Writes the rest and syncs. Returns the size of the file.
  Result<uint64_t> Finish();
  uint64_t series() const { return series_; }

 private:
  struct Value;
  struct Name;
  BlockIndexWriter(std::unique_ptr<CheckedFileWriter> file, int64_t min_ms, int64_t max_ms,
                   bool with_summaries);
  uint32_t NameId(std::string_view name);
  uint32_t ValueId(Name* name, std::string_view value);
  Status WriteName(Name* name);

  const std::unique_ptr<CheckedFileWriter> file_;
  const int64_t min_ms_, max_ms_;
  const bool with_summaries_;
  RowEncoder rows_;
  uint64_t series_ = 0;
  std::string groups_;  // u32 offset of each group behind the first
  std::string row_bytes_;
  SeriesRow row_;
  Labels previous_;
  std::vector<uint32_t> row_names_, previous_names_;
  std::deque<Name> names_;  // by id: order of first use
  std::unordered_map<std::string_view, uint32_t> name_ids_;
  std::unordered_map<std::string, uint32_t> schema_ids_;
  std::vector<std::vector<uint32_t>> schemas_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INDEX_BLOCK_INDEX_WRITER_H_
