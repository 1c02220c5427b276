// HeadAppender: one transaction on the head.
//
// Each sample is checked when it is given, against what is committed, without a lock as long as it
// is in order. Commit() writes one frame (or more) per WAL stream, then applies all under one
// commit number. A failed WAL write leaves the head untouched.
#ifndef DEUCALION_TSDB_HEAD_HEAD_APPENDER_H_
#define DEUCALION_TSDB_HEAD_HEAD_APPENDER_H_

#include <memory>
#include <vector>

#include "tsdb/head/head.h"

namespace deucalion::tsdb {

// What a transaction has collected, per WAL stream; kept from one to the next for its memory.
struct CommitScratch {
  struct Start {
    size_t index;  // of the sample
    int64_t st_ms;
  };
  struct StagedExemplar {
    uint64_t id;
    Slot slot;
    Exemplar exemplar;
  };
  struct StagedMetadata {
    uint64_t id;
    Slot slot;
    Metadata metadata;
  };
  struct Deletion {
    uint64_t id;
    Slot slot;
    TimeInterval interval;
  };
  struct PerStream {
    std::vector<StagedSample> samples;
    std::vector<Start> starts;
    std::vector<StagedSample> late;
    std::vector<StagedHistogram> histograms;
    std::vector<StagedExemplar> exemplars;
    std::vector<StagedMetadata> metadata;
    std::vector<Deletion> deletions;
    bool empty() const {
      return samples.empty() && late.empty() && histograms.empty() && exemplars.empty() &&
             metadata.empty() && deletions.empty();
    }
    void Clear();
  };
  std::vector<PerStream> streams;
};

// Thread-safe.
class ScratchPool {
 public:
  std::unique_ptr<CommitScratch> Take(uint32_t streams) EXCLUDES(mu_);
  void Give(std::unique_ptr<CommitScratch> scratch) EXCLUDES(mu_);

 private:
  Mutex mu_;
  std::vector<std::unique_ptr<CommitScratch>> free_ GUARDED_BY(mu_);
};

class HeadAppender final : public Appender {
 public:
  // All must outlive the appender.
  HeadAppender(Head* head, wal::Wal* wal, ScratchPool* pool, const AppenderOptions& options);
  ~HeadAppender() override;

  SeriesRef Find(LabelsView labels, uint64_t hash, SeriesRef hint) override;
  Result<SeriesRef> FindOrCreate(LabelsView labels, uint64_t hash, SeriesRef hint) override;
  Status Append(SeriesRef ref, int64_t time_ms, double value, int64_t st_ms) override;
  size_t AppendBatch(std::span<const RefSample> samples, std::vector<SampleError>* errors) override;
  Status AppendHistogram(SeriesRef ref, int64_t time_ms, const IntHistogram& histogram,
                         int64_t st_ms) override;
  Status AppendFloatHistogram(SeriesRef ref, int64_t time_ms, const FloatHistogram& histogram,
                              int64_t st_ms) override;
  Status AppendExemplar(SeriesRef ref, const Exemplar& exemplar) override;
  Status UpdateMetadata(SeriesRef ref, const Metadata& metadata) override;
  // A deletion of samples in the head; part of the transaction like all else.
  Status Delete(SeriesRef ref, TimeInterval interval);
  Status Commit() override;
  Status Rollback() override;

 private:
  enum class Verdict { kInOrder, kLate, kAlreadyThere };
  Result<Verdict> Check(Slot slot, SeriesRecord* r, uint64_t id, int64_t time_ms,
                        const double* value, std::string_view histogram);
  Status Stage(SeriesRef ref, int64_t time_ms, double value, int64_t st_ms);
  Status StageHistogram(SeriesRef ref, int64_t time_ms, int64_t st_ms, bool is_float,
                        std::string bytes);
  void Encode(CommitScratch::PerStream* part, wal::CommitSink* sink);
  void Introduce(Slot slot, uint64_t id, wal::CommitSink* sink);
  void Apply();
  CommitScratch::PerStream& PartOf(uint64_t id) { return scratch_->streams[head_->StreamOfId(id)]; }
  void Finish();

  Head* const head_;
  wal::Wal* const wal_;
  ScratchPool* const pool_;
  const AppenderOptions options_;
  const uint64_t pin_;
  const uint64_t appender_pin_;
  const int64_t min_valid_ms_;
  std::unique_ptr<CommitScratch> scratch_;  // null when finished
  std::string labels_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_HEAD_APPENDER_H_
