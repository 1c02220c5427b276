#include "server/remote/chunk_cutter.h"

#include <utility>

#include "server/remote/series_windows.h"
#include "server/remote/wire_histogram.h"

namespace deucalion::remote {
namespace {

// As Prometheus cuts its own chunks, so that readers find what they are used to.
constexpr size_t kSamplesPerChunk = 120;
// Histograms with thousands of buckets: a chunk is to stay well below a frame.
constexpr size_t kMaxHistogramChunkBytes = 16 << 10;

}  // namespace

void ChunkCutter::Add(const SampleColumns& columns, std::vector<CutChunk>* out) {
  VisitByTime(
      columns, [&](int64_t time_ms, double value) { AddFloat(time_ms, value, out); },
      [&](const HistogramPoint& point) { AddHistogram(point, out); });
}

void ChunkCutter::Finish(std::vector<CutChunk>* out) {
  Cut(out);
  // Their memory of the last histogram is of this series.
  histograms_ = tsdb::IntHistogramWriter();
  float_histograms_ = tsdb::FloatHistogramWriter();
}

void ChunkCutter::Count(int64_t time_ms) {
  if (samples_++ == 0) min_ms_ = time_ms;
  max_ms_ = time_ms;
}

void ChunkCutter::AddFloat(int64_t time_ms, double value, std::vector<CutChunk>* out) {
  Switch(ChunkEncoding::kXor, out);
  floats_.Append(time_ms, value);
  Count(time_ms);
  if (samples_ == kSamplesPerChunk) Cut(out);
}

void ChunkCutter::AddHistogram(const HistogramPoint& point, std::vector<CutChunk>* out) {
  const auto whole = point.integer ? ToIntHistogram(point.histogram) : std::nullopt;
  if (whole) {
    AddTo(histograms_, ChunkEncoding::kHistogram, point.time_ms, *whole, out);
  } else {
    AddTo(float_histograms_, ChunkEncoding::kFloatHistogram, point.time_ms, point.histogram, out);
  }
}

template <typename Writer, typename Histogram>
void ChunkCutter::AddTo(Writer& writer, ChunkEncoding encoding, int64_t time_ms,
                        const Histogram& histogram, std::vector<CutChunk>* out) {
  Switch(encoding, out);
  std::string sealed;
  if (writer.Append(time_ms, histogram, &sealed) == tsdb::HistogramAppend::kCut) {
    out->push_back({min_ms_, max_ms_, encoding, std::move(sealed)});
    samples_ = 0;
  }
  Count(time_ms);
  if (samples_ == kSamplesPerChunk || writer.bytes().size() > kMaxHistogramChunkBytes) Cut(out);
}

void ChunkCutter::Switch(ChunkEncoding encoding, std::vector<CutChunk>* out) {
  if (open_ == encoding) return;
  Cut(out);
  open_ = encoding;
}

void ChunkCutter::Cut(std::vector<CutChunk>* out) {
  const ChunkEncoding encoding = std::exchange(open_, ChunkEncoding::kUnknown);
  if (std::exchange(samples_, 0) == 0) return;
  CutChunk& chunk = out->emplace_back();
  chunk.min_ms = min_ms_;
  chunk.max_ms = max_ms_;
  chunk.encoding = encoding;
  if (encoding == ChunkEncoding::kXor) {
    chunk.data = std::string(floats_.Finish());
    floats_.Clear();
  } else if (encoding == ChunkEncoding::kHistogram) {
    histograms_.Seal(&chunk.data);
  } else {
    float_histograms_.Seal(&chunk.data);
  }
}

}  // namespace deucalion::remote
