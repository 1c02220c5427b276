// HeadAppender: one transaction on the head.
//
// Each sample is checked when it is given, against what is committed, without a lock as long as it
// is in order. Commit() writes one frame (or more) per WAL stream, then applies all under one
// commit number. A failed WAL write leaves the head untouched.
//
// Floats, then histograms: that is the order within a frame, for readers of the WAL as for Apply().
// A transaction that goes back from histograms to floats in one series is therefore cut into
// batches, each of them a frame of its own.
//
// A sample that was in order when it was given may not be any more when it is applied. When another
// appender was faster it goes among the late ones, whatever the out-of-order window: it had been
// taken. When this transaction itself has a newer one of the same series, the window decides, as in
// Prometheus; outside it the sample is counted as out of order.
#ifndef DEUCALION_TSDB_HEAD_HEAD_APPENDER_H_
#define DEUCALION_TSDB_HEAD_HEAD_APPENDER_H_

#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "tsdb/head/head.h"

namespace deucalion::tsdb {

// What a transaction has collected, per WAL stream; kept from one to the next for its memory.
struct CommitScratch {
  struct Batch {
    size_t samples_end;
    size_t histograms_end;
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
    std::vector<int64_t> starts;  // StagedSample::start counts in it
    std::vector<StagedSample> late;
    std::vector<StagedHistogram> histograms;
    std::vector<StagedHistogram> late_histograms;
    std::vector<Batch> batches;                  // but for the last one
    std::unordered_set<uint64_t> histogram_ids;  // of the last batch
    std::vector<StagedExemplar> exemplars;
    std::vector<StagedMetadata> metadata;
    std::vector<Deletion> deletions;
    bool empty() const {
      return samples.empty() && late.empty() && histograms.empty() && late_histograms.empty() &&
             exemplars.empty() && metadata.empty() && deletions.empty();
    }
    void EndBatch();
    // Calls visit(samples, histograms) for each batch.
    template <typename Visit>
    void ForEachBatch(Visit visit) const {
      Batch begin{0, 0};
      for (size_t i = 0; i <= batches.size(); i++) {
        const Batch end =
            i < batches.size() ? batches[i] : Batch{samples.size(), histograms.size()};
        visit(std::span(samples).subspan(begin.samples_end, end.samples_end - begin.samples_end),
              std::span(histograms)
                  .subspan(begin.histograms_end, end.histograms_end - begin.histograms_end));
        begin = end;
      }
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
  Status StageStaleHistogram(SeriesRef ref, int64_t time_ms, int64_t st_ms, bool is_float);
  Status StageHistogram(SeriesRef ref, int64_t time_ms, int64_t st_ms, bool is_float,
                        std::string bytes);
  // Whether a stale marker given as a float is to end a series of histograms, and of which kind.
  bool EndsHistograms(SeriesRef ref, bool* is_float);
  void Encode(const CommitScratch::PerStream& part, wal::CommitSink* sink);
  void EncodeBatch(std::span<const StagedSample> samples,
                   std::span<const StagedHistogram> histograms, std::span<const int64_t> starts,
                   wal::CommitSink* sink);
  void EncodeLate(const CommitScratch::PerStream& part, wal::CommitSink* sink);
  void Introduce(Slot slot, uint64_t id, wal::CommitSink* sink);
  Status Apply();
  void ApplyInOrder(uint64_t commit, CommitScratch::PerStream* part, CommitScratch::PerStream* late,
                    Head::Applied* applied);
  bool TakeOvertaken(bool by_another, int64_t time_ms, bool histogram);
  CommitScratch::PerStream& PartOf(uint64_t id) { return scratch_->streams[head_->StreamOfId(id)]; }
  void Finish();

  Head* const head_;
  wal::Wal* const wal_;
  ScratchPool* const pool_;
  const AppenderOptions options_;
  const uint64_t pin_;
  const uint64_t appender_pin_;
  const int64_t min_valid_ms_;
  const int64_t newest_ms_;                 // of the head when the transaction began
  std::unique_ptr<CommitScratch> scratch_;  // null when finished
  std::string labels_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_HEAD_APPENDER_H_
