// ExemplarRing: the newest exemplars of all series, in a bounded ring. Thread-safe.
#ifndef DEUCALION_TSDB_HEAD_EXEMPLAR_RING_H_
#define DEUCALION_TSDB_HEAD_EXEMPLAR_RING_H_

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"
#include "tsdb/storage/exemplars.h"

namespace deucalion::tsdb {

class ExemplarRing : public ExemplarQueryable {
 public:
  explicit ExemplarRing(size_t capacity) { Resize(capacity); }

  // Keeps the newest when it shrinks. 0 = off.
  void Resize(size_t capacity) EXCLUDES(mu_);
  bool enabled() const EXCLUDES(mu_);

  // Whether the ring would take it: "out of order exemplar", "duplicate exemplar", "exemplar label
  // length exceeds…". *duplicate: it is there already, to be dropped in silence.
  Status Validate(LabelsView series, const Exemplar& exemplar, bool* duplicate) const EXCLUDES(mu_);
  // Looks again, as others may have come since, of the same request too. False: not taken.
  bool Add(LabelsView series, const Exemplar& exemplar) EXCLUDES(mu_);

  Result<std::vector<SeriesExemplars>> Select(
      int64_t min_ms, int64_t max_ms,
      const std::vector<std::vector<Matcher>>& matcher_sets) override EXCLUDES(mu_);

  // Oldest first.
  void ForEach(const std::function<void(std::string_view series, const Exemplar&)>& visit) const
      EXCLUDES(mu_);

  struct Stats {
    size_t exemplars = 0;
    size_t series = 0;
    size_t capacity = 0;
    int64_t oldest_ms = 0, newest_ms = 0;
  };
  Stats stats() const EXCLUDES(mu_);

 private:
  struct Series {
    Exemplar newest;
    size_t in_ring = 0;
  };
  struct Entry {
    const std::string* series = nullptr;  // key of series_; null = free
    Exemplar exemplar;
  };
  Status CheckOrder(const std::string& series, const Exemplar& exemplar, bool* duplicate) const
      REQUIRES(mu_);
  void Evict(Entry* entry) REQUIRES(mu_);

  mutable Mutex mu_;
  std::vector<Entry> ring_ GUARDED_BY(mu_);
  size_t next_ GUARDED_BY(mu_) = 0;
  std::unordered_map<std::string, Series> series_ GUARDED_BY(mu_);
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_EXEMPLAR_RING_H_
