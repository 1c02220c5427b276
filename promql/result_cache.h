// ResultCache: answers of range queries about the part of history that does not change any more, so
// that a dashboard which moves on by a step is charged for that step.
//
// An entry belongs to one expression, step, phase of the steps, lookback and set of features, and
// to one storage. It holds the result up to the storage's stable horizon and stays good as long as
// the storage's generation of the times it was made from is the same. Queries whose value at a step
// depends on more than the past of that step (@, negative offsets, smoothed, start(), range(), …)
// are never cached. Thread-safe.
#ifndef DEUCALION_PROMQL_RESULT_CACHE_H_
#define DEUCALION_PROMQL_RESULT_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/thread_annotations.h"
#include "promql/annotations.h"
#include "promql/ast.h"
#include "promql/value.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::promql {

// Whether the value at a step depends on the data up to that step alone.
bool IsCacheable(const Expr& root);

class ResultCache {
 public:
  explicit ResultCache(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Results at start_ms, start_ms + step, … up to end_ms, both included.
  struct Entry {
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    Matrix matrix;
    Annotations annotations;
    int64_t data_min_ms = 0;  // what it was made from: [data_min_ms, end_ms]
    uint64_t generation = 0;
    uint64_t bytes = 0;
  };

  // An entry that still holds and contains `start_ms`; null if there is none.
  std::shared_ptr<const Entry> Find(const std::string& key, int64_t start_ms,
                                    const Queryable& queryable) EXCLUDES(mu_);
  // Replaces what was kept for the key. Entries that are too large are not kept.
  void Store(const std::string& key, Entry entry) EXCLUDES(mu_);
  uint64_t bytes() const EXCLUDES(mu_);

 private:
  using List = std::list<std::pair<std::string, std::shared_ptr<const Entry>>>;
  void Erase(List::iterator it) REQUIRES(mu_);

  const uint64_t limit_bytes_;
  mutable Mutex mu_;
  List recent_ GUARDED_BY(mu_);  // most recently used first
  std::unordered_map<std::string, List::iterator> by_key_ GUARDED_BY(mu_);
  uint64_t bytes_ GUARDED_BY(mu_) = 0;
};

// The points of `matrix` within [min_ms, max_ms]; series without any are left out.
Matrix SliceMatrix(const Matrix& matrix, int64_t min_ms, int64_t max_ms);
// Both sorted by labels, all points of `later` after those of `earlier`.
Matrix AppendMatrix(Matrix earlier, Matrix later);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_RESULT_CACHE_H_
