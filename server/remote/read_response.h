// The messages a remote reader gets, written:
//
//   ReadResponse         1 results*            QueryResult    1 timeseries*
//   TimeSeries           1 labels*, 2 samples*, 4 histograms*
//   ChunkedReadResponse  1 chunked_series*, 2 query_index
//   ChunkedSeries        1 labels*, 2 chunks*
//   Chunk                1 min_time_ms, 2 max_time_ms, 3 type, 4 data
#ifndef DEUCALION_SERVER_REMOTE_READ_RESPONSE_H_
#define DEUCALION_SERVER_REMOTE_READ_RESPONSE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "model/labels.h"
#include "server/remote/chunk_cutter.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::remote {

// Appends Label messages under field 1: the labels of a series and, where it has none of that name,
// the external ones.
void AppendLabels(LabelsView labels, LabelsView external_labels, std::string* out);

// Appends Sample and Histogram messages under fields 2 and 4 of a TimeSeries.
void AppendSamples(const SampleColumns& columns, std::string* out);

// Packs the chunks of one series into frames: length as uvarint, CRC-32C big-endian, then a
// ChunkedReadResponse. A frame holds one series only, and is full when its chunks exceed
// `max_bytes`: like Prometheus's, frames overshoot by up to a chunk. Thread-compatible.
class FrameWriter {
 public:
  explicit FrameWriter(size_t max_bytes) : max_bytes_(max_bytes) {}

  // `labels`: as AppendLabels writes them.
  void BeginSeries(uint64_t query_index, std::string labels);
  // Appends the frame to `out` when this chunk made it full.
  void AddChunk(const CutChunk& chunk, std::string* out);
  // Appends what is left of the series, if anything.
  void EndSeries(std::string* out);

 private:
  void Flush(std::string* out);

  const size_t max_bytes_;
  uint64_t query_index_ = 0;
  std::string labels_;
  std::string chunks_;   // Chunk messages under field 2
  std::string message_;  // scratch
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_READ_RESPONSE_H_
