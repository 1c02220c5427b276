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

void MergeLate(const std::vector<std::pair<int64_t, uint64_t>>& late, SampleColumns* out) {
  if (late.empty()) return;
  std::vector<int64_t> times;
  std::vector<double> values;
  std::vector<int64_t> starts;
  const bool with_starts = !out->start_times.empty();
  times.reserve(out->times.size() + late.size());
  values.reserve(times.capacity());
  size_t i = 0;
  size_t j = 0;
  while (i < out->times.size() || j < late.size()) {
    const bool take_late =
        i == out->times.size() || (j < late.size() && late[j].first < out->times[i]);
    if (take_late) {
      if (times.empty() || times.back() != late[j].first) {
        times.push_back(late[j].first);
        values.push_back(std::bit_cast<double>(late[j].second));
        if (with_starts) starts.push_back(0);
      }
      j++;
      continue;
    }
    times.push_back(out->times[i]);
    values.push_back(out->values[i]);
    if (with_starts) starts.push_back(out->start_times[i]);
    while (j < late.size() && late[j].first == out->times[i]) j++;
    i++;
  }
  out->times = std::move(times);
  out->values = std::move(values);
  out->start_times = std::move(starts);
}

}  // namespace deucalion::tsdb
