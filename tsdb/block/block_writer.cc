#include "tsdb/block/block_writer.h"

#include <algorithm>

#include "tsdb/block/summaries.h"

namespace deucalion::tsdb {

BlockWriter::BlockWriter(FileSystem* fs, std::string dir, BlockMeta meta,
                         const BlockWriterOptions& options)
    : fs_(fs),
      dir_(std::move(dir)),
      options_(options),
      meta_(std::move(meta)),
      segments_(fs, dir_, options.segments),
      chunks_(&segments_, options.metrics) {
  meta_.version = kBlockVersion;
  meta_.files.clear();
  meta_.samples = meta_.float_samples = meta_.histogram_samples = 0;
  meta_.series = meta_.chunks = meta_.tombstones = 0;
}

Result<std::unique_ptr<BlockWriter>> BlockWriter::Create(FileSystem* fs, const std::string& dir,
                                                         BlockMeta meta,
                                                         const BlockWriterOptions& options) {
  RETURN_IF_ERROR(fs->CreateDirs(dir));
  const int64_t min_ms = meta.min_ms, max_ms = meta.max_ms;
  std::unique_ptr<BlockWriter> writer(new BlockWriter(fs, dir, std::move(meta), options));
  ASSIGN_OR_RETURN(writer->index_, BlockIndexWriter::Create(fs, JoinPath(dir, kIndexFile), min_ms,
                                                            max_ms, options.summaries));
  return writer;
}

Status BlockWriter::Add(LabelsView labels, const SampleColumns& samples) {
  if (samples.times.empty() && samples.histograms.empty()) return OkStatus();
  int64_t first = INT64_MAX, last = INT64_MIN;
  if (!samples.times.empty()) {
    first = samples.times.front();
    last = samples.times.back();
  }
  if (!samples.histograms.empty()) {
    first = std::min(first, samples.histograms.front().time_ms);
    last = std::max(last, samples.histograms.back().time_ms);
  }
  if (first < meta_.min_ms || last >= meta_.max_ms) {
    return InternalError("block " + meta_.ulid + ": samples of " + labels.ToString() +
                         " lie outside its range");
  }
  RETURN_IF_ERROR(chunks_.AddSeries(samples, &places_));
  ChunkPlace summary;
  if (options_.summaries) {
    summary_.clear();
    EncodeSummaries(samples, &summary_);
    ASSIGN_OR_RETURN(summary, segments_.Add(PageKind::kSummaries, summary_));
  }
  meta_.float_samples += samples.times.size();
  meta_.histogram_samples += samples.histograms.size();
  meta_.samples += samples.times.size() + samples.histograms.size();
  meta_.chunks += places_.size();
  return index_->Add(labels, first, last, places_, summary);
}

Result<BlockMeta> BlockWriter::Finish() {
  ASSIGN_OR_RETURN(meta_.files, segments_.Finish());
  meta_.series = index_->series();
  ASSIGN_OR_RETURN(const uint64_t index_bytes, index_->Finish());
  meta_.files.push_back({std::string(kIndexFile), index_bytes});
  RETURN_IF_ERROR(fs_->WriteFileAtomically(JoinPath(dir_, kMetaFile), EncodeBlockMeta(meta_)));
  RETURN_IF_ERROR(fs_->SyncDir(dir_));
  RETURN_IF_ERROR(fs_->SyncDir(DirName(dir_)));
  return meta_;
}

}  // namespace deucalion::tsdb
