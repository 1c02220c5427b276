// SeriesSide: what only some series have, kept beside the record: histograms, late samples, start
// timestamps, deletions, metadata. Guarded by the shard's lock.
#ifndef DEUCALION_TSDB_HEAD_SERIES_SIDE_H_
#define DEUCALION_TSDB_HEAD_SERIES_SIDE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/metadata.h"
#include "tsdb/block/tombstones.h"
#include "tsdb/head/sealed_chunks.h"
#include "tsdb/storage/queryable.h"
#include "tsdb/time_intervals.h"

namespace deucalion::tsdb {

// Histograms of one kind in time order, before they are sealed. Sealed form (and the checkpoint's):
//   entries { zigzag varint time_ms, zigzag varint start ms, length-prefixed histogram_bytes.h },
//   zstd over all of them.
struct OpenHistograms {
  bool is_float = false;
  uint16_t count = 0;
  int64_t first_ms = 0;
  std::string entries;
  std::string last;  // the newest one's bytes, to tell duplicates
};

struct LateSample {
  int64_t time_ms = 0;
  uint64_t bits = 0;
  int64_t st_ms = 0;
  uint64_t commit = 0;
};
struct LateHistogram {
  int64_t time_ms = 0;
  int64_t st_ms = 0;
  uint64_t commit = 0;
  bool is_float = false;
  std::string bytes;  // histogram_bytes.h
};

struct SeriesSide {
  OpenHistograms histograms;
  // By time; no time is in both.
  std::vector<LateSample> late;
  std::vector<LateHistogram> late_histograms;
  std::vector<std::pair<int64_t, int64_t>> starts;  // from time_ms on: start timestamp
  TimeIntervals deleted;
  std::unique_ptr<Metadata> metadata;

  bool empty() const {
    return histograms.count == 0 && late.empty() && late_histograms.empty() && starts.empty() &&
           deleted.empty() && metadata == nullptr;
  }
};

void AppendHistogramEntry(OpenHistograms* open, int64_t time_ms, int64_t st_ms, bool is_float,
                          std::string_view bytes);
// The sealed form.
SealedChunkView SealHistograms(const OpenHistograms& open, std::string* bytes);
Status DecodeHistograms(const SealedChunkView& chunk, int64_t min_ms, int64_t max_ms,
                        SampleColumns* out);
Status DecodeHistogramEntries(std::string_view entries, bool is_float, int64_t min_ms,
                              int64_t max_ms, SampleColumns* out);

// Merges late samples (by time) into *out: where it has a sample of the same time already, of
// either kind, that one stays.
void MergeLate(const std::vector<LateSample>& late, SampleColumns* out);
Status MergeLate(const std::vector<LateHistogram>& late, SampleColumns* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_HEAD_SERIES_SIDE_H_
