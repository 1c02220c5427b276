// RequestEncoder: remote write requests of both versions, from values to compressed bytes.
//
// 1.0 carries one TimeSeries per value; its labels are kept as they are encoded, so they are
// copied. In 2.0 labels, help and unit are references into the symbols of the request.
//
// Thread-compatible.
#ifndef DEUCALION_SERVER_REMOTE_SEND_REQUEST_ENCODER_H_
#define DEUCALION_SERVER_REMOTE_SEND_REQUEST_ENCODER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/labels.h"
#include "model/metadata.h"
#include "server/remote/send/text_pool.h"
#include "tsdb/storage/wal_feed.h"

namespace deucalion::remote {

// The labels of a series as an encoder wants them: for 1.0 one text per label, its Label message
// under field 1; for 2.0 name and value in turn.
struct EncodedLabels {
  std::vector<uint32_t> texts;
  uint32_t bytes = 0;  // of all texts
};
enum class WriteVersion { kV1, kV2 };
// The texts are to be given back by ReleaseLabels.
EncodedLabels EncodeLabels(LabelsView labels, WriteVersion version, TextPool* pool);
void ReleaseLabels(const EncodedLabels& labels, TextPool* pool);

// One value on its way out. Borrows everything. At most one of `histogram` and `exemplar` is set;
// neither: a float.
struct OutgoingValue {
  const EncodedLabels* labels = nullptr;
  int64_t time_ms = 0;
  int64_t st_ms = 0;  // 0 = unknown; 2.0 only
  double value = 0;
  const FeedHistogram* histogram = nullptr;
  const Exemplar* exemplar = nullptr;
  const Metadata* metadata = nullptr;  // 2.0 only; may be null
};

class RequestEncoder {
 public:
  // The pool must outlive the encoder.
  RequestEncoder(WriteVersion version, const TextPool* pool) : version_(version), pool_(pool) {}

  void Add(const OutgoingValue& v) { version_ == WriteVersion::kV1 ? AddV1(v) : AddV2(v); }
  // A compressed request of what was added since the last one.
  std::string Finish();

 private:
  void AddV1(const OutgoingValue& v);
  void AddV2(const OutgoingValue& v);
  uint32_t Symbol(uint32_t text);
  uint32_t Symbol(std::string_view text);
  void PutLabelRefs(const EncodedLabels& labels);
  void PutExemplarV2(const Exemplar& exemplar);

  const WriteVersion version_;
  const TextPool* const pool_;
  std::string message_;  // 1.0: all of it; 2.0: field 5
  std::string scratch_;  // of one value

  // Of 2.0. The symbol of each text of the pool, if it was written in this request.
  struct Use {
    uint32_t request = 0;
    uint32_t symbol = 0;
  };
  uint32_t request_ = 1;
  std::vector<Use> uses_;  // by number of the text
  std::string symbols_;    // field 4, from the second on
  uint32_t num_symbols_ = 1;
  std::unordered_map<std::string, uint32_t> other_symbols_;  // not from the pool
};

struct OutgoingMetadata {
  std::string_view family;
  const Metadata* metadata = nullptr;
};
// A compressed 1.0 request with nothing but metadata.
std::string EncodeMetadataV1(std::span<const OutgoingMetadata> metadata);

}  // namespace deucalion::remote

#endif  // DEUCALION_SERVER_REMOTE_SEND_REQUEST_ENCODER_H_
