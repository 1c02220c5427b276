// WAL segments: the frames behind the header are the input.
#include <cstdint>

#include "base/check.h"
#include "tsdb/wal/frame.h"
#include "tsdb/wal/segment.h"

namespace {

class TakeAll : public deucalion::tsdb::wal::SeriesIntroducer {
 public:
  uint32_t Introduce(uint64_t id, std::string_view labels) override {
    CHECK(deucalion::CheckEncodedLabels(labels));
    return 1;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace deucalion::tsdb::wal;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  IdTable ids;
  TakeAll introducer;
  DecodedFrame frame;
  // As a file...
  auto reader = SegmentReader::Open("fuzz", input, {}, 1);
  while (reader.ok()) {
    std::string_view payload;
    const auto outcome = reader->Next(&payload);
    if (outcome == SegmentReader::Outcome::kEnd || outcome == SegmentReader::Outcome::kTorn) break;
    if (outcome == SegmentReader::Outcome::kDamaged) continue;
    (void)DecodeFrame(payload, {}, 1, &ids, &introducer, &frame);
  }
  // ...and as one frame whose crc was right.
  (void)DecodeFrame(input, {}, 1, &ids, &introducer, &frame);
  return 0;
}
