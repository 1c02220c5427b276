// Postings on disk: ascending series numbers, bit-packed in blocks of 128.
//
//   varint  count
//   count 1:      varint number
//   up to 128:    varint first, u8 width, (delta - 1) in `width` bits each, whole bytes
//   more:         skip table: u32 first number and u32 offset behind the table, per block; then per
//                 block u8 width and the packed deltas
//
// Runs of neighbouring numbers have width 0 and take one byte per 128. Reading is bounded: numbers
// come back strictly ascending and below `num_series`, or not at all.
#ifndef DEUCALION_TSDB_INDEX_BLOCK_POSTINGS_H_
#define DEUCALION_TSDB_INDEX_BLOCK_POSTINGS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tsdb/index/postings.h"

namespace deucalion::tsdb {

inline constexpr size_t kPostingsBlock = 128;

void EncodePostings(std::span<const SeriesNumber> numbers, std::string* out);
// How many numbers `list` says it has; 0 when it is broken.
uint64_t PostingsCount(std::string_view list);
// Appends all of `list`. False when it is broken.
bool DecodePostings(std::string_view list, uint64_t num_series, std::vector<SeriesNumber>* out);
// Keeps of *numbers what `list` has (or, `subtract`, has not), decoding only the blocks it needs.
bool FilterByPostings(std::string_view list, uint64_t num_series, bool subtract,
                      std::vector<SeriesNumber>* numbers);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INDEX_BLOCK_POSTINGS_H_
