// Cuts the samples of one series into chunks in Prometheus's encodings.
#ifndef DEUCALION_SERVER_REMOTE_CHUNK_CUTTER_H_
#define DEUCALION_SERVER_REMOTE_CHUNK_CUTTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tsdb/chunk/histogram_chunk.h"
#include "tsdb/chunk/xor.h"
#include "tsdb/storage/queryable.h"

namespace deucalion::remote {

// prometheus.Chunk.Encoding.
enum class ChunkEncoding : uint8_t { kUnknown = 0, kXor = 1, kHistogram = 2, kFloatHistogram = 3 };

struct CutChunk {
  int64_t min_ms = 0, max_ms = 0;  // times of the first and the last sample
  ChunkEncoding encoding = ChunkEncoding::kUnknown;
  std::string data;
};

// Where the pieces that samples come in begin and end does not show in the chunks.
// Thread-compatible.
class ChunkCutter {
 public:
  // Takes the next samples, in time order; appends the chunks that are full.
  void Add(const SampleColumns& columns, std::vector<CutChunk>* out);
  // Ends the series: appends the open chunk. The next Add begins another series.
  void Finish(std::vector<CutChunk>* out);

 private:
  void AddFloat(int64_t time_ms, double value, std::vector<CutChunk>* out);
  void AddHistogram(const HistogramPoint& point, std::vector<CutChunk>* out);
  template <typename Writer, typename Histogram>
  void AddTo(Writer& writer, ChunkEncoding encoding, int64_t time_ms, const Histogram& histogram,
             std::vector<CutChunk>* out);
  // Ends the open chunk unless it has this encoding.
  void Switch(ChunkEncoding encoding, std::vector<CutChunk>* out);
  void Cut(std::vector<CutChunk>* out);
  void Count(int64_t time_ms);

  ChunkEncoding open_ = ChunkEncoding::kUnknown;  // kUnknown: none is open
  int64_t min_ms_ = 0, max_ms_ = 0;
  size_t samples_ = 0;
  tsdb::XorWriter floats_;
  tsdb::IntHistogramWriter histograms_;
  tsdb::FloatHistogramWriter float_histograms_;
};

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_CHUNK_CUTTER_H_
