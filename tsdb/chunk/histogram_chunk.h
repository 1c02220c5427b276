// Histogram chunks in the bit layouts of Prometheus's EncHistogram (integer) and EncFloatHistogram:
//
//   u16 big-endian   number of samples
//   u8               two highest bits: counter reset header; the rest 0
//   bits             layout (chunk_layout.cc), samples (histogram_codec.h)
//
// With start timestamps (EncHistogramST, EncFloatHistogramST; read only) it begins
//
//   u16 big-endian   two highest bits: counter reset header; the rest: number of samples
//   u8               header of the start timestamps (start_times.h)
//
// and each sample is followed by its start timestamp.
//
// A chunk has one schema, zero threshold and set of custom bounds. Buckets may be added: then the
// chunk is encoded anew with the larger layout. Whatever else differs, and every counter reset,
// needs another chunk. Readers therefore know: from the second sample of a counter chunk on there
// was no reset.
#ifndef DEUCALION_TSDB_CHUNK_HISTOGRAM_CHUNK_H_
#define DEUCALION_TSDB_CHUNK_HISTOGRAM_CHUNK_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/histogram.h"
#include "tsdb/chunk/bit_stream.h"
#include "tsdb/chunk/chunk_layout.h"
#include "tsdb/chunk/histogram_codec.h"
#include "tsdb/chunk/start_times.h"

namespace deucalion::tsdb {

// Prometheus's chunk encodings, as they are numbered on disk and on the wire.
inline constexpr uint8_t kHistogramEncoding = 2;
inline constexpr uint8_t kFloatHistogramEncoding = 3;
inline constexpr uint8_t kHistogramStartsEncoding = 5;
inline constexpr uint8_t kFloatHistogramStartsEncoding = 6;
inline constexpr size_t kHistogramHeaderBytes = 3;

// How a chunk relates to the one before it.
enum class CounterResetHeader : uint8_t {
  kUnknown = 0,
  kNotReset = 0x40,
  kReset = 0x80,
  kGauge = 0xc0,
};

enum class HistogramAppend {
  kAppended,
  kRecoded,  // the open chunk was encoded anew, with more buckets
  kCut,      // the open chunk was sealed and the sample began a new one
};

// Writes the chunks of one series, one after the other. State: IntSampleState or FloatSampleState.
// Thread-compatible. Views of the open chunk are valid until the next call that is not const.
template <typename State>
class HistogramChunkWriter {
 public:
  using Histogram = typename State::Histogram;

  // `h` must be valid (its Validate()); times ascend. On kCut the chunk that ended is in *sealed,
  // which is otherwise untouched.
  HistogramAppend Append(int64_t time_ms, const Histogram& h, std::string* sealed);
  // Ends the open chunk because it is large or old enough: it moves to *sealed. The next sample's
  // chunk continues it, so its header says whether there was a reset in between.
  void Seal(std::string* sealed);
  // Continues a finished chunk. kCorrupt when it does not decode.
  static Result<HistogramChunkWriter> Resume(std::string_view chunk);

  // The open chunk, complete as it stands. Empty before the first sample.
  std::string_view bytes() const { return bytes_; }
  uint16_t count() const { return count_; }
  // Of the last sample ever appended.
  int64_t last_ms() const { return state_.time_ms(); }
  CounterResetHeader header() const { return header_; }

 private:
  struct Fit;
  Fit FitCounter(const Histogram& h) const;
  Fit FitGauge(const Histogram& h) const;
  void Begin(CounterResetHeader header, const Histogram& h);
  void Write(int64_t time_ms, const Histogram& h);
  void Recode(const Spans& positive, const Spans& negative);
  Histogram Remapped(const Histogram& h, const Spans& positive, const Spans& negative) const;

  std::string bytes_;
  BitWriter out_{&bytes_};
  uint16_t count_ = 0;
  bool continues_ = false;  // what follows is that of a sealed chunk
  CounterResetHeader header_ = CounterResetHeader::kUnknown;
  ChunkLayout layout_;
  State state_;

 public:
  HistogramChunkWriter() = default;
  HistogramChunkWriter(HistogramChunkWriter&& other) noexcept { *this = std::move(other); }
  HistogramChunkWriter& operator=(HistogramChunkWriter&& other) noexcept;
};

// Reads a chunk sample by sample. Borrows the bytes. Histograms have the hints that Prometheus
// gives them on reading: gauge; not_reset from the second sample on; else unknown. Schemas finer
// than 8 are reduced to it.
template <typename State>
class HistogramChunkReader {
 public:
  using Histogram = typename State::Histogram;

  // Fewer bytes than a header is an empty chunk. `starts`: it has start timestamps.
  explicit HistogramChunkReader(std::string_view chunk, bool starts = false);

  // False at the end or on an error: ask status().
  bool Next();
  const Status& status() const { return status_; }
  int64_t time_ms() const { return state_.time_ms(); }
  // 0 when it has none.
  int64_t start_ms() const { return start_.start_ms(); }
  // Valid until Next. A stale marker has a sum and nothing else.
  const Histogram& histogram() const { return histogram_; }
  CounterResetHeader header() const { return header_; }
  const ChunkLayout& layout() const { return layout_; }
  uint16_t count() const { return count_; }

 private:
  void Present();
  BitReader in_;
  StartTimeReader start_;
  uint16_t count_ = 0;
  uint16_t read_ = 0;
  CounterResetHeader header_ = CounterResetHeader::kUnknown;
  ChunkLayout layout_;
  State state_;
  Histogram histogram_;
  Status status_;
};

using IntHistogramWriter = HistogramChunkWriter<IntSampleState>;
using FloatHistogramWriter = HistogramChunkWriter<FloatSampleState>;
using IntHistogramReader = HistogramChunkReader<IntSampleState>;
using FloatHistogramReader = HistogramChunkReader<FloatSampleState>;

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_HISTOGRAM_CHUNK_H_
