// Block: an immutable set of series over a range of time, as queries, compaction and tools see it.
// Ours (block_reader.h) and Prometheus's (interop/) look the same from here.
//
// Shared by shared_ptr: a querier that holds one keeps its files mapped, whatever is dropped
// meanwhile. Thread-safe.
#ifndef DEUCALION_TSDB_BLOCK_BLOCK_H_
#define DEUCALION_TSDB_BLOCK_BLOCK_H_

#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/status.h"
#include "base/thread_annotations.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "tsdb/block/block_meta.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/index/index_reader.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Walks the labels of series; cheap when ascending. Borrows the block. Thread-compatible.
class SeriesCursor {
 public:
  virtual ~SeriesCursor() = default;
  // False when the series cannot be read: see status().
  virtual bool Seek(SeriesNumber series) = 0;
  virtual Status status() const = 0;
  // Of the series sought last. Replaces *out.
  virtual void LabelsOf(Labels* out) const = 0;
  // False when the series has no sample within [min_ms, max_ms] for sure.
  virtual bool MayOverlap(int64_t min_ms, int64_t max_ms) const = 0;
};

// One stored piece of a series, for tools.
struct StoredChunk {
  int64_t min_ms = 0, max_ms = 0;
  uint64_t samples = 0;
  uint64_t bytes = 0;
  bool histograms = false;
  uint64_t buckets = 0;  // of all histograms
};
// `samples`: what is in it.
StoredChunk DescribeChunk(const SampleColumns& samples, uint64_t bytes);

class Block {
 public:
  virtual ~Block() = default;

  virtual const BlockMeta& meta() const = 0;
  virtual const std::string& dir() const = 0;
  virtual const IndexReader& index() const = 0;
  // OK, or the damage that an answer without an error met. Ask before an answer leaves.
  virtual Status Health() const = 0;
  virtual std::unique_ptr<SeriesCursor> NewCursor() const = 0;
  // Replaces *out. Cheap when a thread asks in ascending order.
  virtual Status LabelsOf(SeriesNumber series, Labels* out) const = 0;
  virtual Result<std::vector<std::string>> LabelNames() const = 0;
  virtual Result<std::vector<std::string>> LabelNamesOf(PostingsView series) const = 0;
  // Appends the samples within [min_ms, max_ms], deletions not applied.
  virtual Status ReadRaw(SeriesNumber series, int64_t min_ms, int64_t max_ms,
                         SampleColumns* out) const = 0;
  // Replaces *out with what is stored of a series, in order: decodes all of it.
  virtual Status ChunksOf(SeriesNumber series, std::vector<StoredChunk>* out) const = 0;
  // Whole slices as summaries, the rest as samples; false: this series has none that would do.
  virtual bool ReadSummaries(SeriesNumber series, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                             Status* status) const {
    return false;
  }
  // Looks at every checksum.
  virtual Status VerifyAll() const = 0;
  virtual uint64_t SizeBytes() const = 0;

  // ReadRaw less what is deleted.
  Status Read(SeriesNumber series, int64_t min_ms, int64_t max_ms, SampleColumns* out) const;
  // Series that match and may have samples within [min_ms, max_ms], in label order.
  Result<Postings> Select(const std::vector<Matcher>& matchers, int64_t min_ms, int64_t max_ms,
                          const CancelToken* cancel) const;
  bool OverlapsRange(int64_t min_ms, int64_t max_ms) const {
    return meta().min_ms <= max_ms && meta().max_ms > min_ms;
  }

  std::shared_ptr<const Tombstones> tombstones() const EXCLUDES(mu_);
  void SetTombstones(Tombstones tombstones) EXCLUDES(mu_);

 private:
  mutable Mutex mu_;
  std::shared_ptr<const Tombstones> tombstones_ GUARDED_BY(mu_) = std::make_shared<Tombstones>();
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_BLOCK_H_
