// Sample columns from several sources made one: in time order, each timestamp once.
#ifndef DEUCALION_SERVER_REMOTE_FETCH_COLUMN_ORDER_H_
#define DEUCALION_SERVER_REMOTE_FETCH_COLUMN_ORDER_H_

#include <cstdint>

#include "model/sample_columns.h"

namespace deucalion::remote {

// Behind what is there, in whatever order.
void AppendColumns(SampleColumns more, SampleColumns* out);
// Sorts floats and histograms by time; of equal times the first stays.
void SortColumns(SampleColumns* columns);
// Appends to *out what is in `first` and what `second` has between min_ms and max_ms (inclusive) at
// other times. Both must be sorted, all of `first` within the bounds.
void MergeColumns(const SampleColumns& first, const SampleColumns& second, int64_t min_ms,
                  int64_t max_ms, SampleColumns* out);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_FETCH_COLUMN_ORDER_H_
