// The series of the local storage and of other servers as one set. Where both have a sample at the
// same time, the local one counts.
#ifndef DEUCALION_SERVER_REMOTE_FETCH_MERGED_SERIES_H_
#define DEUCALION_SERVER_REMOTE_FETCH_MERGED_SERIES_H_

#include <limits>
#include <memory>
#include <vector>

#include "server/remote/fetch/read_answer.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::remote {

class MergedSeries : public SeriesSet {
 public:
  // `local` must be sorted by labels, as each of `answers` is. Series that have no sample within
  // [min_ms, max_ms] are left out unless `only_labels`.
  MergedSeries(std::unique_ptr<SeriesSet> local, std::vector<FetchedAnswer> answers, int64_t min_ms,
               int64_t max_ms, bool only_labels);

  size_t size() const override { return entries_.size(); }
  void LabelsOf(size_t i, Labels* out) const override;
  void Prefetch(size_t i) const override;
  Status Read(size_t i, int64_t min_ms, int64_t max_ms, SampleColumns* out) const override;
  bool ReadSummaries(size_t i, int64_t min_ms, int64_t max_ms, SummarySink* sink,
                     Status* status) const override;

 private:
  static constexpr size_t kNotLocal = std::numeric_limits<size_t>::max();
  struct Entry {
    size_t local = kNotLocal;
    // Index + 1 in fetched_; 0: only local. Series of several answers have been made one.
    size_t fetched = 0;
  };

  const std::unique_ptr<SeriesSet> local_;
  std::vector<MemoryCharge> charges_;   // of what follows
  std::vector<FetchedSeries> fetched_;  // sorted, each once
  std::vector<Entry> entries_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_FETCH_MERGED_SERIES_H_
