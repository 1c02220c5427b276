#include "tsdb/interop/prometheus_block.h"

#include <algorithm>
#include <set>

#include "tsdb/block/merge.h"
#include "tsdb/interop/prometheus_chunks.h"
#include "tsdb/interop/prometheus_index.h"
#include "tsdb/interop/prometheus_tombstones.h"

namespace deucalion::tsdb {
namespace {

void CopyLabels(const PrometheusSeries& series, Labels* out) {
  out->Clear();
  for (const auto& [name, value] : series.labels) {
    AppendEncodedLabel(out->mutable_bytes(), name, value);
  }
}

class Cursor : public SeriesCursor {
 public:
  explicit Cursor(const PrometheusIndex& index) : index_(index) {}
  bool Seek(SeriesNumber series) override {
    status_ = index_.Series(series, false, &series_);
    return status_.ok();
  }
  Status status() const override { return status_; }
  void LabelsOf(Labels* out) const override { CopyLabels(series_, out); }
  bool MayOverlap(int64_t min_ms, int64_t max_ms) const override {
    return std::any_of(series_.chunks.begin(), series_.chunks.end(),
                       [&](const auto& c) { return c.min_ms <= max_ms && c.max_ms >= min_ms; });
  }

 private:
  const PrometheusIndex& index_;
  PrometheusSeries series_;
  Status status_;
};

class PrometheusBlock : public Block {
 public:
  static Result<std::shared_ptr<Block>> Open(FileSystem* fs, const std::string& dir) {
    auto block = std::make_shared<PrometheusBlock>();
    block->dir_ = dir;
    ASSIGN_OR_RETURN(block->meta_, ReadBlockMeta(fs, dir));
    ASSIGN_OR_RETURN(block->index_, PrometheusIndex::Open(fs, JoinPath(dir, "index")));
    ASSIGN_OR_RETURN(block->chunks_, PrometheusChunkFiles::Open(fs, dir));
    ASSIGN_OR_RETURN(Tombstones deleted, ReadTombstones(fs, JoinPath(dir, "tombstones")));
    block->SetTombstones(std::move(deleted));
    return std::shared_ptr<Block>(std::move(block));
  }

  const BlockMeta& meta() const override { return meta_; }
  const std::string& dir() const override { return dir_; }
  const IndexReader& index() const override { return *index_; }
  Status Health() const override { return index_->Health(); }
  std::unique_ptr<SeriesCursor> NewCursor() const override {
    return std::make_unique<Cursor>(*index_);
  }
  Status LabelsOf(SeriesNumber series, Labels* out) const override {
    thread_local PrometheusSeries entry;
    RETURN_IF_ERROR(index_->Series(series, true, &entry));
    CopyLabels(entry, out);
    return OkStatus();
  }
  Result<std::vector<std::string>> LabelNames() const override { return index_->LabelNames(); }
  Result<std::vector<std::string>> LabelNamesOf(PostingsView series) const override {
    std::set<std::string_view> names;
    PrometheusSeries entry;
    for (const SeriesNumber n : series) {
      RETURN_IF_ERROR(index_->Series(n, true, &entry));
      for (const auto& [name, value] : entry.labels) names.insert(name);
    }
    return std::vector<std::string>(names.begin(), names.end());
  }
  Status ReadRaw(SeriesNumber series, int64_t min_ms, int64_t max_ms,
                 SampleColumns* out) const override {
    // Compaction may leave samples of the neighbouring block in a shared chunk.
    min_ms = std::max(min_ms, meta_.min_ms);
    max_ms = std::min(max_ms, meta_.max_ms - 1);
    PrometheusSeries entry;
    RETURN_IF_ERROR(index_->Series(series, false, &entry));
    const size_t floats = out->times.size(), histograms = out->histograms.size();
    for (const PrometheusChunkMeta& c : entry.chunks) {
      if (c.min_ms > max_ms || c.max_ms < min_ms) continue;
      ASSIGN_OR_RETURN(const PrometheusChunk chunk, chunks_->Read(c.ref));
      RETURN_IF_ERROR(DecodePrometheusChunk(chunk, min_ms, max_ms, out).WithContext(dir_));
    }
    if (!IsOrdered(*out, floats, histograms)) MergeRuns(floats, histograms, out);
    return OkStatus();
  }
  Status ChunksOf(SeriesNumber series, std::vector<StoredChunk>* out) const override {
    out->clear();
    PrometheusSeries entry;
    SampleColumns samples;
    RETURN_IF_ERROR(index_->Series(series, false, &entry));
    for (const PrometheusChunkMeta& c : entry.chunks) {
      ASSIGN_OR_RETURN(const PrometheusChunk chunk, chunks_->Read(c.ref));
      samples.Clear();
      RETURN_IF_ERROR(
          DecodePrometheusChunk(chunk, INT64_MIN, INT64_MAX, &samples).WithContext(dir_));
      out->push_back(DescribeChunk(samples, chunk.data.size()));
      out->back().min_ms = c.min_ms;
      out->back().max_ms = c.max_ms;
    }
    return OkStatus();
  }
  Status VerifyAll() const override {
    RETURN_IF_ERROR(index_->VerifyPostings());
    ASSIGN_OR_RETURN(const Postings all, index_->AllPostings());
    PrometheusSeries entry;
    for (const SeriesNumber n : all.view()) {
      RETURN_IF_ERROR(index_->Series(n, false, &entry));
      for (const PrometheusChunkMeta& c : entry.chunks)
        RETURN_IF_ERROR(chunks_->Read(c.ref).status());
    }
    return OkStatus();
  }
  uint64_t SizeBytes() const override { return index_->size_bytes() + chunks_->size_bytes(); }

 private:
  static bool IsOrdered(const SampleColumns& s, size_t floats, size_t histograms) {
    for (size_t i = floats + 1; i < s.times.size(); ++i) {
      if (s.times[i] <= s.times[i - 1]) return false;
    }
    for (size_t i = histograms + 1; i < s.histograms.size(); ++i) {
      if (s.histograms[i].time_ms <= s.histograms[i - 1].time_ms) return false;
    }
    return true;
  }

  static Result<Tombstones> ReadTombstones(FileSystem* fs, const std::string& path) {
    if (!fs->Exists(path)) return Tombstones();
    ASSIGN_OR_RETURN(const std::string bytes, fs->ReadFile(path));
    return DecodePrometheusTombstones(bytes, path);
  }

  BlockMeta meta_;
  std::string dir_;
  std::unique_ptr<PrometheusIndex> index_;
  std::unique_ptr<PrometheusChunkFiles> chunks_;
};

}  // namespace

Result<std::shared_ptr<Block>> OpenPrometheusBlock(FileSystem* fs, const std::string& dir) {
  return PrometheusBlock::Open(fs, dir);
}

}  // namespace deucalion::tsdb
