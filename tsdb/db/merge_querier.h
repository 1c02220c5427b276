// MergeQuerier: several sources (the head, blocks) as one Querier. Series with the same labels
// become one; samples are merged by time, each timestamp once (the earlier source wins).
#ifndef DEUCALION_TSDB_DB_MERGE_QUERIER_H_
#define DEUCALION_TSDB_DB_MERGE_QUERIER_H_

#include <memory>
#include <vector>

#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Oldest source first: neighbours that do not overlap in time are then simply concatenated. With
// one source it is that source.
std::unique_ptr<Querier> MergeQueriers(std::vector<std::unique_ptr<Querier>> sources);

// Appends `more` to *out where it is in order; merges where it is not. Samples of *out before
// `begin_*` (sizes at the time the series began) are left alone.
void MergeColumns(size_t begin_floats, size_t begin_histograms, SampleColumns&& more,
                  SampleColumns* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_DB_MERGE_QUERIER_H_
