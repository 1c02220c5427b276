// The records of Prometheus's write-ahead logs (WAL, checkpoint, WBL), all types of 3.14.
//
//   record: u8 type, body                                     integers big-endian, varints LEB128
//    1 series:      { u64 ref, labels }
//    2 samples:     u64 ref, i64 time of the first; { svarint ref, svarint time less those, f64 }
//    3 tombstones:  { u64 ref, svarint min, svarint max }
//    4 exemplars:   as samples, labels behind each
//    5 markers:     { u64 ref, u64 chunk }            out-of-order samples so far are in head
//    chunks 6 metadata:    { varint ref, u8 kind, varint fields, { name, value } each } 7, 9
//    integer histograms:  as samples, a histogram each     9 and 10 with custom buckets 8, 10 float
//    histograms
//   11 samples with start times: svarint ref, time, start, f64; then { svarint ref less the
//   previous
//                   one, svarint time less the first, u8 0 none | 1 as before | 2 + svarint start
//                   less the first, f64 }
//   12, 13 integer and float histograms with start times: as 11
//   14 oldest valid time: i64                         of the head when a checkpoint was written
//   labels: varint count, { length-prefixed name, value }
#ifndef DEUCALION_TSDB_INTEROP_PROMETHEUS_RECORDS_H_
#define DEUCALION_TSDB_INTEROP_PROMETHEUS_RECORDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "tsdb/storage/exemplars.h"

namespace deucalion::tsdb {

enum class PrometheusRecordType : uint8_t {
  kSeries = 1,
  kSamples = 2,
  kTombstones = 3,
  kExemplars = 4,
  kMmapMarkers = 5,
  kMetadata = 6,
  kHistograms = 7,
  kFloatHistograms = 8,
  kCustomHistograms = 9,
  kCustomFloatHistograms = 10,
  kSamplesWithStart = 11,
  kHistogramsWithStart = 12,
  kFloatHistogramsWithStart = 13,
  kMinValidTime = 14,
};

// `ref`: Prometheus's number of the series.
struct RecordedSeries {
  uint64_t ref = 0;
  Labels labels;
};
struct RecordedSample {
  uint64_t ref = 0;
  int64_t time_ms = 0;
  int64_t st_ms = 0;  // start timestamp, 0 = unknown
  double value = 0;
};
struct RecordedHistogram {
  uint64_t ref = 0;
  int64_t time_ms = 0;
  int64_t st_ms = 0;
  bool is_float = false;  // which of the two is set
  IntHistogram integer;
  FloatHistogram floating;
};
struct RecordedTombstone {
  uint64_t ref = 0;
  int64_t min_ms = 0, max_ms = 0;
};
struct RecordedExemplar {
  uint64_t ref = 0;
  Exemplar exemplar;
};
struct RecordedMetadata {
  uint64_t ref = 0;
  Metadata metadata;
};
struct RecordedMarker {
  uint64_t ref = 0;
  uint64_t chunk = 0;
};

// One decoded record: the list its type fills, the others are empty. Reused: Decode clears it.
struct PrometheusRecord {
  PrometheusRecordType type = PrometheusRecordType::kSeries;
  std::vector<RecordedSeries> series;
  std::vector<RecordedSample> samples;
  std::vector<RecordedHistogram> histograms;
  std::vector<RecordedTombstone> tombstones;
  std::vector<RecordedExemplar> exemplars;
  std::vector<RecordedMetadata> metadata;
  std::vector<RecordedMarker> markers;
  int64_t min_valid_ms = 0;
  // Histograms left out: of a schema nobody knows, or invalid.
  uint64_t unusable_histograms = 0;
};

// kUnimplemented: a type that came after 3.14 (Prometheus passes over those, too); kCorrupt: the
// bytes do not decode, and *out holds nothing.
Status DecodePrometheusRecord(std::string_view bytes, PrometheusRecord* out);

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INTEROP_PROMETHEUS_RECORDS_H_
