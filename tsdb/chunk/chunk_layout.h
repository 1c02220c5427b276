// The bucket layout of a histogram chunk: written once, by its first sample; all samples of the
// chunk have exactly its buckets.
#ifndef DEUCALION_TSDB_CHUNK_CHUNK_LAYOUT_H_
#define DEUCALION_TSDB_CHUNK_CHUNK_LAYOUT_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"
#include "model/histogram_layout.h"
#include "tsdb/chunk/bit_stream.h"

namespace deucalion::tsdb {

using Spans = std::vector<BucketSpan>;

struct ChunkLayout {
  int32_t schema = 0;
  double zero_threshold = 0;
  Spans positive;
  Spans negative;
  std::vector<double> custom_values;
};

void WriteLayout(const ChunkLayout& layout, BitWriter* out);
// kCorrupt when bits are missing, when the schema is none of Prometheus's, or when a first sample
// whose buckets take `least_bucket_bits` each does not fit in what follows.
Result<ChunkLayout> ReadLayout(BitReader* in, unsigned least_bucket_bits);

uint64_t CountBuckets(const Spans& spans);

// At the first bucket of a layout. Borrows the spans.
inline histogram_internal::BucketCursor WalkBuckets(const Spans& spans) {
  return histogram_internal::BucketCursor(spans, std::numeric_limits<size_t>::max());
}

// The buckets of either, without empty spans.
Spans UnionOfSpans(const Spans& a, const Spans& b);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_CHUNK_LAYOUT_H_
