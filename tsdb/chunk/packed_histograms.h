// Packed columns of native histograms: runs of equal layout, each bucket a column across time.
//
//   varint runs, then per run
//     varint  length
//     u8      bit 0: integer histogram; bits 1-2: reset hint
//     svarint schema
//     f64     zero threshold
//     spans   positive, then negative: varint number, then svarint offset and varint length each
//     varint  number of custom bounds, f64 each
//     value columns (packed_values): count, zero count, sum, positive buckets, negative buckets
//
// Bit-exact for everything a HistogramPoint holds but its times, which are columns of their own.
#ifndef DEUCALION_TSDB_CHUNK_PACKED_HISTOGRAMS_H_
#define DEUCALION_TSDB_CHUNK_PACKED_HISTOGRAMS_H_

#include <cstddef>
#include <span>
#include <string>

#include "base/bytes.h"
#include "model/sample_columns.h"

namespace deucalion::tsdb {

// Bucket values of one column, over all histograms: bounds what hostile bytes can ask for.
inline constexpr size_t kMaxHistogramCells = size_t{1} << 23;

// How many of the leading `histograms` fit one column; 0 when the first is too large.
size_t HistogramsThatFit(std::span<const HistogramPoint> histograms, size_t limit);
// At most kMaxColumn histograms and kMaxHistogramCells cells; bucket vectors as long as their
// spans.
void EncodeHistograms(std::span<const HistogramPoint> histograms, std::string* out);
// Fills all but the times of out[0..count). False when the bytes do not decode.
bool DecodeHistograms(ByteReader* in, size_t count, HistogramPoint* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_PACKED_HISTOGRAMS_H_
