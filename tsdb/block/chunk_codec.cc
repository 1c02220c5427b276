#include "tsdb/block/chunk_codec.h"

#include <algorithm>

#include "base/bytes.h"
#include "tsdb/chunk/packed_histograms.h"
#include "tsdb/chunk/packed_times.h"
#include "tsdb/chunk/packed_values.h"

namespace deucalion::tsdb {
namespace {

constexpr uint64_t kHistograms = 1;
constexpr uint64_t kStartTimes = 2;
constexpr unsigned kTimesShift = 2;

// A chunk of several slices is closed beyond this, so that pages stay near their size.
constexpr size_t kChunkBytes = 48 * 1024;

// Spans in seconds: 480 samples at 1, 2, 3, 5, 10, 15, 30, 60, … seconds; all divide a day.
constexpr int64_t kSpans[] = {1,   2,    5,    10,   30,   60,    120,   240,   480,
                              960, 1440, 2400, 4800, 7200, 14400, 28800, 43200, 86400};

int64_t SpanMs(std::span<const int64_t> times) {
  const double mean =
      static_cast<double>(times.back() - times.front()) / static_cast<double>(times.size() - 1);
  // Two per cent more: a mean interval a little short of the nominal one must not halve the span.
  const double most = mean * kSliceSamples * 1.02;
  int64_t span = kSpans[0];
  for (const int64_t s : kSpans) {
    if (static_cast<double>(s) * 1000 <= most) span = s;
  }
  return span * 1000;
}

int64_t FloorTo(int64_t ms, int64_t span) {
  const int64_t rest = ms % span;
  return ms - (rest < 0 ? rest + span : rest);
}

template <typename TimeOf>
std::vector<SliceRange> Cut(size_t count, int64_t span, size_t most, TimeOf time_of) {
  std::vector<SliceRange> slices;
  for (size_t begin = 0; begin < count;) {
    const int64_t end_ms = FloorTo(time_of(begin), span) + (span - 1);
    size_t end = begin + 1;
    while (end < count && end - begin < most && time_of(end) <= end_ms) ++end;
    slices.push_back({begin, end});
    begin = end;
  }
  return slices;
}

// Keeps of the samples appended since `begin` those within [min_ms, max_ms].
void Trim(size_t begin, int64_t min_ms, int64_t max_ms, SampleColumns* out) {
  auto& times = out->times;
  const auto first =
      std::lower_bound(times.begin() + static_cast<ptrdiff_t>(begin), times.end(), min_ms);
  const auto last = std::upper_bound(first, times.end(), max_ms);
  const size_t from = static_cast<size_t>(first - times.begin());
  const size_t to = static_cast<size_t>(last - times.begin());
  const auto cut = [&](auto* v) {
    v->resize(to);
    v->erase(v->begin() + static_cast<ptrdiff_t>(begin), v->begin() + static_cast<ptrdiff_t>(from));
  };
  cut(&out->times);
  cut(&out->values);
  if (!out->start_times.empty()) cut(&out->start_times);
}

bool ReadFloats(ByteReader* in, TimeColumn* times, bool start_times, int64_t min_ms, int64_t max_ms,
                SampleColumns* out) {
  const size_t begin = out->times.size(), count = times->header.count;
  if (start_times && out->start_times.size() < begin) out->start_times.resize(begin);
  out->times.resize(begin + count);
  out->values.resize(begin + count);
  if (start_times || !out->start_times.empty()) out->start_times.resize(begin + count);
  const bool ok = DecodeTimes(&times->rest, times->header, out->times.data() + begin) &&
                  (!start_times || DecodeIntegers(in, count, out->start_times.data() + begin)) &&
                  DecodeValues(in, count, out->values.data() + begin);
  if (!ok) {
    out->times.resize(begin);
    out->values.resize(begin);
    if (!out->start_times.empty()) out->start_times.resize(begin);
    return false;
  }
  if (times->header.first_ms < min_ms || times->header.last_ms > max_ms) {
    Trim(begin, min_ms, max_ms, out);
  }
  return true;
}

bool ReadHistograms(ByteReader* in, TimeColumn* times, bool start_times, int64_t min_ms,
                    int64_t max_ms, SampleColumns* out) {
  const size_t count = times->header.count;
  std::vector<int64_t> at(count), started(start_times ? count : 0);
  std::vector<HistogramPoint> points(count);
  const bool ok = DecodeTimes(&times->rest, times->header, at.data()) &&
                  (!start_times || DecodeIntegers(in, count, started.data())) &&
                  DecodeHistograms(in, count, points.data());
  if (!ok) return false;
  for (size_t i = 0; i < count; ++i) {
    if (at[i] < min_ms || at[i] > max_ms) continue;
    points[i].time_ms = at[i];
    points[i].st_ms = start_times ? started[i] : 0;
    out->histograms.push_back(std::move(points[i]));
  }
  return true;
}

}  // namespace

std::vector<SliceRange> CutIntoSlices(std::span<const int64_t> times) {
  if (times.size() <= 2)
    return times.empty() ? std::vector<SliceRange>() : std::vector<SliceRange>{{0, times.size()}};
  return Cut(times.size(), SpanMs(times), kMaxSliceSamples, [&](size_t i) { return times[i]; });
}

void ChunkWriter::Note(size_t samples, int64_t range_ms, size_t bytes) const {
  if (metrics_ == nullptr || metrics_->samples == nullptr) return;
  metrics_->samples->Observe(static_cast<double>(samples));
  metrics_->range_ms->Observe(static_cast<double>(range_ms));
  metrics_->size_bytes->Observe(static_cast<double>(bytes));
}

Status ChunkWriter::AddFloats(const SampleColumns& samples) {
  const std::span<const int64_t> times(samples.times);
  for (const SliceRange& r : CutIntoSlices(times)) {
    ASSIGN_OR_RETURN(const uint64_t column,
                     segments_->AddTimes(times.subspan(r.begin, r.end - r.begin)));
    Slice& slice = slices_.emplace_back();
    slice.first_ms = times[r.begin];
    const std::span<const int64_t> started =
        samples.start_times.empty()
            ? std::span<const int64_t>()
            : std::span(samples.start_times).subspan(r.begin, r.end - r.begin);
    const bool with_start =
        std::any_of(started.begin(), started.end(), [](int64_t t) { return t != 0; });
    slice.head = column << kTimesShift | (with_start ? kStartTimes : 0);
    if (with_start) EncodeIntegers(started, &slice.payload);
    EncodeValues(std::span(samples.values).subspan(r.begin, r.end - r.begin), &slice.payload);
    Note(r.end - r.begin, times[r.end - 1] - times[r.begin], slice.payload.size());
  }
  return OkStatus();
}

Status ChunkWriter::AddHistograms(const std::vector<HistogramPoint>& histograms) {
  std::vector<int64_t> times, started;
  for (size_t begin = 0, fit; begin < histograms.size(); begin += fit) {
    const auto rest = std::span(histograms).subspan(begin);
    fit = HistogramsThatFit(rest, kSliceSamples);
    if (fit == 0) return ResourceExhaustedError("block chunk: histogram has too many buckets");
    times.clear();
    started.clear();
    for (const HistogramPoint& p : rest.first(fit)) {
      times.push_back(p.time_ms);
      started.push_back(p.st_ms);
    }
    ASSIGN_OR_RETURN(const uint64_t column, segments_->AddTimes(times));
    Slice& slice = slices_.emplace_back();
    slice.first_ms = times[0];
    const bool with_start =
        std::any_of(started.begin(), started.end(), [](int64_t t) { return t != 0; });
    slice.head = column << kTimesShift | kHistograms | (with_start ? kStartTimes : 0);
    if (with_start) EncodeIntegers(started, &slice.payload);
    EncodeHistograms(rest.first(fit), &slice.payload);
    Note(fit, times.back() - times.front(), slice.payload.size());
  }
  return OkStatus();
}

Status ChunkWriter::FlushChunk(size_t begin, size_t end, std::vector<ChunkPlace>* places) {
  chunk_.clear();
  PutVarint(&chunk_, end - begin);
  for (size_t i = begin; i < end; ++i) {
    PutVarint(&chunk_, slices_[i].head);
    if (end - begin > 1) PutVarint(&chunk_, slices_[i].payload.size());
    chunk_ += slices_[i].payload;
  }
  ASSIGN_OR_RETURN(const ChunkPlace place, segments_->Add(PageKind::kData, chunk_));
  places->push_back(place);
  return OkStatus();
}

Status ChunkWriter::AddSeries(const SampleColumns& samples, std::vector<ChunkPlace>* places) {
  places->clear();
  slices_.clear();
  RETURN_IF_ERROR(AddFloats(samples));
  if (!samples.histograms.empty()) {
    RETURN_IF_ERROR(AddHistograms(samples.histograms));
    std::stable_sort(slices_.begin(), slices_.end(),
                     [](const Slice& a, const Slice& b) { return a.first_ms < b.first_ms; });
  }
  size_t begin = 0, bytes = 0;
  for (size_t i = 0; i < slices_.size(); ++i) {
    if (i > begin && bytes + slices_[i].payload.size() > kChunkBytes) {
      RETURN_IF_ERROR(FlushChunk(begin, i, places));
      begin = i;
      bytes = 0;
    }
    bytes += slices_[i].payload.size() + 8;
  }
  return begin < slices_.size() ? FlushChunk(begin, slices_.size(), places) : OkStatus();
}

Status ReadChunk(const SegmentReader& segments, std::string_view chunk, int64_t min_ms,
                 int64_t max_ms, const std::string& where, SampleColumns* out) {
  const auto broken = [&] { return CorruptError(where + ": chunk does not decode"); };
  ByteReader in(chunk);
  const uint64_t slices = in.Varint();
  for (uint64_t i = 0; i < slices; ++i) {
    const uint64_t head = in.Varint();
    ByteReader payload = in;
    if (slices > 1) payload = ByteReader(in.LengthPrefixed());
    if (!in.ok()) return broken();
    TimeColumn times;
    RETURN_IF_ERROR(segments.OpenTimes(head >> kTimesShift, &times));
    if (times.header.last_ms < min_ms || times.header.first_ms > max_ms) continue;
    const bool start_times = (head & kStartTimes) != 0;
    const bool ok = (head & kHistograms)
                        ? ReadHistograms(&payload, &times, start_times, min_ms, max_ms, out)
                        : ReadFloats(&payload, &times, start_times, min_ms, max_ms, out);
    if (!ok) return broken();
  }
  return in.ok() ? OkStatus() : broken();
}

}  // namespace deucalion::tsdb
