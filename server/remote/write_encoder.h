// Remote write messages, written: what a queue sends. 1.0 carries one TimeSeries per value; in 2.0
// labels, help and unit are references into the symbols of the request.
#ifndef DEUCALION_SERVER_REMOTE_WRITE_ENCODER_H_
#define DEUCALION_SERVER_REMOTE_WRITE_ENCODER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "model/labels.h"
#include "model/metadata.h"
#include "tsdb/storage/wal_feed.h"

namespace deucalion::remote {

// One value on its way out. Borrows everything. At most one of `histogram` and `exemplar` is set;
// neither: a float.
struct OutgoingValue {
  LabelsView labels;
  int64_t time_ms = 0;
  int64_t st_ms = 0;  // 0 = unknown; 2.0 only
  double value = 0;
  const FeedHistogram* histogram = nullptr;
  const Exemplar* exemplar = nullptr;
  const Metadata* metadata = nullptr;  // 2.0 only; may be null
};

struct OutgoingMetadata {
  std::string_view family;
  const Metadata* metadata = nullptr;
};

// Appends a prometheus.WriteRequest to `out`.
void EncodeWriteV1(std::span<const OutgoingValue> values, std::string* out);
void EncodeMetadataV1(std::span<const OutgoingMetadata> metadata, std::string* out);

// Appends an io.prometheus.write.v2.Request to `out`.
void EncodeWriteV2(std::span<const OutgoingValue> values, std::string* out);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_WRITE_ENCODER_H_
