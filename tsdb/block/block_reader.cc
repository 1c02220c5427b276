#include "tsdb/block/block_reader.h"

#include <algorithm>

#include "tsdb/block/chunk_codec.h"
#include "tsdb/block/summaries.h"

namespace deucalion::tsdb {
namespace {

class Cursor : public SeriesCursor {
 public:
  explicit Cursor(const BlockIndex& index) : index_(index), cursor_(index) {}
  bool Seek(SeriesNumber series) override { return cursor_.Seek(series); }
  Status status() const override { return cursor_.status(); }
  void LabelsOf(Labels* out) const override { cursor_.LabelsOf(out); }
  bool MayOverlap(int64_t min_ms, int64_t max_ms) const override {
    return index_.scale().Overlaps(cursor_.row().from, cursor_.row().to, min_ms, max_ms);
  }

 private:
  const BlockIndex& index_;
  BlockSeriesCursor cursor_;
};

}  // namespace

Result<std::shared_ptr<BlockReader>> BlockReader::Open(FileSystem* fs, const std::string& dir,
                                                       PageCache* cache) {
  std::shared_ptr<BlockReader> block(new BlockReader());
  block->dir_ = dir;
  ASSIGN_OR_RETURN(block->meta_, ReadBlockMeta(fs, dir));
  if (!block->meta_.ours()) return CorruptError(dir + ": not a block of our format");
  const WrittenFile* index = nullptr;
  std::vector<WrittenFile> segments;
  for (const WrittenFile& file : block->meta_.files) {
    if (file.name == kIndexFile)
      index = &file;
    else
      segments.push_back(file);
  }
  if (index == nullptr) return CorruptError(dir + ": meta.json names no index");
  ASSIGN_OR_RETURN(block->index_,
                   BlockIndex::Open(fs, JoinPath(dir, kIndexFile), index->size_bytes));
  ASSIGN_OR_RETURN(block->segments_, SegmentReader::Open(fs, dir, segments, cache));
  return block;
}

std::unique_ptr<SeriesCursor> BlockReader::NewCursor() const {
  return std::make_unique<Cursor>(*index_);
}

Status BlockReader::LabelsOf(SeriesNumber series, Labels* out) const {
  ASSIGN_OR_RETURN(const BlockSeriesCursor* cursor, index_->SeekHere(series));
  cursor->LabelsOf(out);
  return OkStatus();
}

Status BlockReader::ReadRaw(SeriesNumber series, int64_t min_ms, int64_t max_ms,
                            SampleColumns* out) const {
  ASSIGN_OR_RETURN(const BlockSeriesCursor* cursor, index_->SeekHere(series));
  if (!index_->scale().Overlaps(cursor->row().from, cursor->row().to, min_ms, max_ms)) {
    return OkStatus();
  }
  for (const ChunkPlace& place : cursor->row().chunks) {
    PageBytes page;
    ASSIGN_OR_RETURN(const std::string_view chunk, segments_->Chunk(PageKind::kData, place, &page));
    RETURN_IF_ERROR(ReadChunk(*segments_, chunk, min_ms, max_ms, dir_, out));
  }
  return OkStatus();
}

Status BlockReader::ChunksOf(SeriesNumber series, std::vector<StoredChunk>* out) const {
  out->clear();
  ASSIGN_OR_RETURN(const BlockSeriesCursor* cursor, index_->SeekHere(series));
  SampleColumns samples;
  for (const ChunkPlace& place : cursor->row().chunks) {
    PageBytes page;
    ASSIGN_OR_RETURN(const std::string_view chunk, segments_->Chunk(PageKind::kData, place, &page));
    samples.Clear();
    RETURN_IF_ERROR(ReadChunk(*segments_, chunk, INT64_MIN, INT64_MAX, dir_, &samples));
    out->push_back(DescribeChunk(samples, chunk.size()));
  }
  return OkStatus();
}

bool BlockReader::ReadSummaries(SeriesNumber series, int64_t min_ms, int64_t max_ms,
                                SummarySink* sink, Status* status) const {
  if (!index_->with_summaries()) return false;
  const Result<BlockSeriesCursor*> cursor = index_->SeekHere(series);
  if (!cursor.ok()) {
    *status = cursor.status();
    return true;
  }
  PageBytes page;
  const auto bytes = segments_->Chunk(PageKind::kSummaries, (*cursor)->row().summary, &page);
  if (!bytes.ok()) {
    *status = bytes.status();
    return true;
  }
  std::vector<SliceSummary> slices;
  if (!DecodeSummaries(*bytes, &slices)) {
    *status =
        CorruptError(dir_ + ": summaries of series " + std::to_string(series) + " do not decode");
    return true;
  }
  if (slices.empty()) return false;
  const auto deleted = tombstones();
  if (const TimeIntervals* intervals = deleted->Of(series);
      intervals != nullptr && Overlaps(*intervals, min_ms, max_ms)) {
    return false;
  }
  SampleColumns samples;
  for (const SliceSummary& slice : slices) {
    if (slice.last_ms < min_ms || slice.first_ms > max_ms || slice.count == 0) continue;
    if (slice.first_ms >= min_ms && slice.last_ms <= max_ms) {
      sink->OnSlice(slice);
      continue;
    }
    samples.Clear();
    *status = ReadRaw(series, std::max(min_ms, slice.first_ms), std::min(max_ms, slice.last_ms),
                      &samples);
    if (!status->ok()) return true;
    sink->OnSamples(samples.times, samples.values);
  }
  return true;
}

Status BlockReader::VerifyAll() const {
  RETURN_IF_ERROR(index_->VerifyAll());
  return segments_->VerifyAll();
}

}  // namespace deucalion::tsdb
