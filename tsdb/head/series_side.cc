#include "tsdb/head/series_side.h"

#include <zstd.h>

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "tsdb/head/histogram_bytes.h"

namespace deucalion::tsdb {
namespace {
// Entries of a sealed chunk are a few KiB; more is damage.
constexpr size_t kMaxEntriesBytes = 64 << 20;
}  // namespace

void AppendHistogramEntry(OpenHistograms* open, int64_t time_ms, int64_t st_ms, bool is_float,
                          std::string_view bytes) {
  if (open->count == 0) {
    open->is_float = is_float;
    open->first_ms = time_ms;
  }
  PutSignedVarint(&open->entries, time_ms);
  PutSignedVarint(&open->entries, st_ms);
  PutLengthPrefixed(&open->entries, bytes);
  open->last = bytes;
  open->count++;
}

SealedChunkView SealHistograms(const OpenHistograms& open, std::string* bytes) {
  bytes->resize(ZSTD_compressBound(open.entries.size()));
  const size_t n =
      ZSTD_compress(bytes->data(), bytes->size(), open.entries.data(), open.entries.size(), 1);
  CHECK(!ZSTD_isError(n));
  bytes->resize(n);
  return {.encoding = open.is_float ? ChunkEncoding::kFloatHistogram : ChunkEncoding::kHistogram,
          .count = open.count,
          .bytes = *bytes};
}

Status DecodeHistogramEntries(std::string_view entries, bool is_float, int64_t min_ms,
                              int64_t max_ms, SampleColumns* out) {
  ByteReader in(entries);
  while (!in.done()) {
    const int64_t time_ms = in.SignedVarint();
    const int64_t st_ms = in.SignedVarint();
    const std::string_view bytes = in.LengthPrefixed();
    if (!in.ok()) return CorruptError("histogram chunk ends early");
    if (time_ms < min_ms || time_ms > max_ms) continue;
    ASSIGN_OR_RETURN(FloatHistogram h, DecodeHistogram(bytes, is_float));
    out->histograms.push_back(
        {.time_ms = time_ms, .st_ms = st_ms, .histogram = std::move(h), .integer = !is_float});
  }
  return OkStatus();
}

Status DecodeHistograms(const SealedChunkView& chunk, int64_t min_ms, int64_t max_ms,
                        SampleColumns* out) {
  const unsigned long long size = ZSTD_getFrameContentSize(chunk.bytes.data(), chunk.bytes.size());
  if (size > kMaxEntriesBytes) return CorruptError("histogram chunk of impossible size");
  std::string entries(size, '\0');
  const size_t n =
      ZSTD_decompress(entries.data(), entries.size(), chunk.bytes.data(), chunk.bytes.size());
  if (ZSTD_isError(n) || n != size) return CorruptError("histogram chunk does not decompress");
  return DecodeHistogramEntries(entries, chunk.encoding == ChunkEncoding::kFloatHistogram, min_ms,
                                max_ms, out);
}

namespace {

bool HasFloatAt(const SampleColumns& columns, int64_t time_ms) {
  return std::binary_search(columns.times.begin(), columns.times.end(), time_ms);
}

bool HasHistogramAt(const SampleColumns& columns, int64_t time_ms) {
  const auto at =
      std::lower_bound(columns.histograms.begin(), columns.histograms.end(), time_ms,
                       [](const HistogramPoint& h, int64_t t) { return h.time_ms < t; });
  return at != columns.histograms.end() && at->time_ms == time_ms;
}

}  // namespace

void MergeLate(const std::vector<LateSample>& late, SampleColumns* out) {
  if (late.empty()) return;
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<int64_t> starts;
  bool with_starts = !out->start_times.empty();
  for (const LateSample& l : late) with_starts = with_starts || l.st_ms != 0;
  if (with_starts) out->start_times.resize(out->times.size());
  times.reserve(out->times.size() + late.size());
  values.reserve(times.capacity());
  size_t i = 0;
  size_t j = 0;
  while (i < out->times.size() || j < late.size()) {
    if (i == out->times.size() || (j < late.size() && late[j].time_ms < out->times[i])) {
      const LateSample& l = late[j++];
      if (HasHistogramAt(*out, l.time_ms)) continue;
      times.push_back(l.time_ms);
      values.push_back(std::bit_cast<double>(l.bits));
      if (with_starts) starts.push_back(l.st_ms);
      continue;
    }
    if (j < late.size() && late[j].time_ms == out->times[i]) j++;
    times.push_back(out->times[i]);
    values.push_back(out->values[i]);
    if (with_starts) starts.push_back(out->start_times[i]);
    i++;
  }
  out->times = std::move(times);
  out->values = std::move(values);
  out->start_times = std::move(starts);
}

Status MergeLate(const std::vector<LateHistogram>& late, SampleColumns* out) {
  const size_t before = out->histograms.size();
  for (const LateHistogram& l : late) {
    if (HasFloatAt(*out, l.time_ms)) continue;
    ASSIGN_OR_RETURN(FloatHistogram h, DecodeHistogram(l.bytes, l.is_float));
    out->histograms.push_back({.time_ms = l.time_ms,
                               .st_ms = l.st_ms,
                               .histogram = std::move(h),
                               .integer = !l.is_float});
  }
  const auto by_time = [](const HistogramPoint& a, const HistogramPoint& b) {
    return a.time_ms < b.time_ms;
  };
  std::inplace_merge(out->histograms.begin(), out->histograms.begin() + static_cast<long>(before),
                     out->histograms.end(), by_time);
  // Stable: of equal times the one that was there comes first.
  const auto end = std::unique(out->histograms.begin(), out->histograms.end(),
                               [](const auto& a, const auto& b) { return a.time_ms == b.time_ms; });
  out->histograms.erase(end, out->histograms.end());
  return OkStatus();
}

}  // namespace deucalion::tsdb
