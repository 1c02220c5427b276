#include "tsdb/compact/compactor.h"

#include "tsdb/block/merge.h"

namespace deucalion::tsdb {
namespace {

constexpr uint64_t kThrottleSamples = 100'000;

Status AddAll(SeriesSet& set, const BlockMeta& meta, const BlockJob& job, BlockWriter* writer) {
  Labels labels;
  SampleColumns samples;
  uint64_t reported = 0;
  for (size_t i = 0; i < set.size(); ++i) {
    if (job.cancel != nullptr) RETURN_IF_ERROR(job.cancel->Check());
    samples.Clear();
    RETURN_IF_ERROR(set.Read(i, meta.min_ms, meta.max_ms - 1, &samples));
    set.LabelsOf(i, &labels);
    RETURN_IF_ERROR(writer->Add(labels, samples));
    if (job.throttle && writer->samples() - reported >= kThrottleSamples) {
      job.throttle(writer->samples() - reported);
      reported = writer->samples();
    }
  }
  return OkStatus();
}

}  // namespace

Result<BlockMeta> WriteBlock(SeriesSet& set, BlockMeta meta, const BlockJob& job) {
  RETURN_IF_ERROR(job.fs->RemoveAll(job.dir));
  BlockWriterOptions options = job.options;
  options.summaries = meta.max_ms - meta.min_ms >= kSummaryBlockMs;
  ASSIGN_OR_RETURN(auto writer, BlockWriter::Create(job.fs, job.dir, meta, options));
  RETURN_IF_ERROR(AddAll(set, meta, job, writer.get()));
  if (writer->series() == 0) {
    writer.reset();
    RETURN_IF_ERROR(job.fs->RemoveAll(job.dir));
    return meta;
  }
  return writer->Finish();
}

Result<BlockMeta> MergeBlocks(const std::vector<std::shared_ptr<const Block>>& blocks,
                              BlockMeta meta, const BlockJob& job) {
  std::vector<SourceSet> sources;
  for (const auto& block : blocks) {
    ASSIGN_OR_RETURN(Postings all, block->index().AllPostings());
    sources.push_back(
        {MakeBlockSeriesSet(block, std::move(all), meta.min_ms, meta.max_ms - 1, job.cancel),
         block->meta().min_ms, block->meta().max_ms - 1});
  }
  ASSIGN_OR_RETURN(const auto merged, MergeSets(std::move(sources), 0, job.cancel));
  for (const auto& block : blocks) RETURN_IF_ERROR(block->Health());
  return WriteBlock(*merged, std::move(meta), job);
}

}  // namespace deucalion::tsdb
