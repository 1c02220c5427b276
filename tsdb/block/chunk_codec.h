// Chunks of a block: the samples of one series as slices of up to 480 samples.
//
//   chunk:  varint slices, then per slice
//           varint head: bit 0 histograms, bit 1 start times, bits 2..: number of the time column
//           [varint bytes that follow]                       when there are several slices
//           [integer column of start times]                  (chunk/packed_column.h)
//           value column or histogram column                 (chunk/packed_values.h,
//           …_histograms.h)
//
// Slices end at multiples of a span that depends on the series' mean interval only (2 h at 15 s),
// so that the series of one target cut their times alike and share the columns.
#ifndef DEUCALION_TSDB_BLOCK_CHUNK_CODEC_H_
#define DEUCALION_TSDB_BLOCK_CHUNK_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/status.h"
#include "tsdb/block/segment_reader.h"
#include "tsdb/block/segment_writer.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::tsdb {

// A slice of float samples within SampleColumns, [begin, end).
struct SliceRange {
  size_t begin = 0;
  size_t end = 0;
};

// 480: two hours at 15 s; longer slices gain 5 % of space and cost whoever reads minutes.
inline constexpr size_t kSliceSamples = 480;
// More than this a slice never has, whatever its span.
inline constexpr size_t kMaxSliceSamples = 1024;

// How the times of a series are cut into slices.
std::vector<SliceRange> CutIntoSlices(std::span<const int64_t> times);

// What the slices of a block are like, for the server's own metrics.
struct SliceMetrics {
  HistogramMetric* samples = nullptr;
  HistogramMetric* size_bytes = nullptr;  // without their times
  HistogramMetric* range_ms = nullptr;
};

// Turns the samples of one series into chunks. Thread-compatible.
class ChunkWriter {
 public:
  // `metrics` may be null; it has all of its fields or none.
  explicit ChunkWriter(SegmentWriter* segments, const SliceMetrics* metrics = nullptr)
      : segments_(segments), metrics_(metrics) {}
  // Times ascend strictly within floats and within histograms. Replaces *places.
  Status AddSeries(const SampleColumns& samples, std::vector<ChunkPlace>* places);

 private:
  struct Slice {
    uint64_t head = 0;
    int64_t first_ms = 0;
    std::string payload;
  };
  Status AddFloats(const SampleColumns& samples);
  Status AddHistograms(const std::vector<HistogramPoint>& histograms);
  void Note(size_t samples, int64_t range_ms, size_t bytes) const;
  Status FlushChunk(size_t begin, size_t end, std::vector<ChunkPlace>* places);

  SegmentWriter* const segments_;
  const SliceMetrics* const metrics_;
  std::vector<Slice> slices_;
  std::string chunk_;
};

// Appends the samples of `chunk` within [min_ms, max_ms] to *out. `where` begins error messages.
Status ReadChunk(const SegmentReader& segments, std::string_view chunk, int64_t min_ms,
                 int64_t max_ms, const std::string& where, SampleColumns* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_BLOCK_CHUNK_CODEC_H_
