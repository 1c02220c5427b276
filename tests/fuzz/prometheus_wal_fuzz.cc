// Prometheus's WAL, checkpoints and WBL: the input is a segment, and a record of its own.
#include <cstdint>

#include "base/check.h"
#include "tsdb/interop/prometheus_records.h"
#include "tsdb/interop/prometheus_wal.h"

namespace {

using namespace deucalion::tsdb;

void Decode(std::string_view bytes) {
  PrometheusRecord record;
  if (!DecodePrometheusRecord(bytes, &record).ok()) return;
  for (const RecordedSeries& s : record.series) {
    CHECK(deucalion::CheckEncodedLabels(s.labels.bytes()));
  }
  for (const RecordedHistogram& h : record.histograms) {
    CHECK(h.is_float ? h.floating.Validate().ok() : h.integer.Validate().ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  PrometheusSegmentReader reader(input);
  uint64_t previous = 0;
  for (;;) {
    const auto outcome = reader.Next();
    using Outcome = PrometheusSegmentReader::Outcome;
    if (outcome == Outcome::kEnd || outcome == Outcome::kTorn) break;
    if (outcome != Outcome::kRecord) continue;
    CHECK(reader.offset() >= previous);
    previous = reader.offset();
    const uint8_t type = reader.PeekType();
    const auto record = reader.Record();
    if (!record.ok()) continue;
    CHECK(type == 0 || record->empty() || type == static_cast<uint8_t>((*record)[0]));
    Decode(*record);
  }
  Decode(input);
  return 0;
}
