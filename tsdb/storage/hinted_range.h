// What of a querier's range a selection is about.
#ifndef DEUCALION_TSDB_STORAGE_HINTED_RANGE_H_
#define DEUCALION_TSDB_STORAGE_HINTED_RANGE_H_

#include <algorithm>
#include <cstdint>

#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

struct HintedRange {
  // The querier's range is [querier_min_ms, querier_max_ms]. Hints that name no range leave it.
  HintedRange(const SelectHints& hints, int64_t querier_min_ms, int64_t querier_max_ms)
      : min_ms(querier_min_ms), max_ms(querier_max_ms) {
    if (hints.min_ms == 0 && hints.max_ms == 0) return;
    min_ms = std::max(min_ms, hints.min_ms);
    max_ms = std::min(max_ms, hints.max_ms);
  }

  int64_t min_ms, max_ms;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_STORAGE_HINTED_RANGE_H_
