// Summaries: what range functions need of whole slices, so that long ranges are answered without
// decoding (storage/queryable.h says what each field promises).
//
//   varint  slices; 0: the series cannot be summarised (it holds histograms or start times)
//   integer columns: first times, last times, counts, resets, changes
//   u8 per 8 slices: which are integral
//   value columns: first, last, min, max, correction, sum
//
// Every float slice of a series has one, in time order; slices of stale markers only have count 0.
#ifndef DEUCALION_TSDB_BLOCK_SUMMARIES_H_
#define DEUCALION_TSDB_BLOCK_SUMMARIES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/block/chunk_codec.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// Of samples in time order; stale markers are left out.
SliceSummary Summarise(std::span<const int64_t> times, std::span<const double> values);

// Appends the summaries of all slices of a series.
void EncodeSummaries(const SampleColumns& samples, std::string* out);
// False when the bytes do not decode. *out is empty when the series cannot be summarised.
bool DecodeSummaries(std::string_view bytes, std::vector<SliceSummary>* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_SUMMARIES_H_
