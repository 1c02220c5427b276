// Writes histogram chunks with start timestamps, which we only read.
#ifndef DEUCALION_TESTS_TSDB_CHUNK_HISTOGRAM_STARTS_ENCODER_H_
#define DEUCALION_TESTS_TSDB_CHUNK_HISTOGRAM_STARTS_ENCODER_H_

#include <string>
#include <vector>

#include "model/value.h"
#include "tsdb/chunk/histogram_chunk.h"

namespace deucalion::tsdb {

template <typename State>
struct HistogramWithStart {
  int64_t time_ms;
  typename State::Histogram histogram;
  int64_t start_ms;
};

// All of one layout, which is the first one's; at least one. The plain way.
template <typename State>
std::string EncodeWithStarts(CounterResetHeader header,
                             const std::vector<HistogramWithStart<State>>& samples) {
  size_t change = 0;
  for (size_t i = 1; i < samples.size() && change == 0 && i < 128; ++i) {
    if (samples[i].start_ms != samples[i - 1].start_ms || i == 127) change = i;
  }
  const bool known = samples[0].start_ms != 0;
  std::string bytes = {static_cast<char>(static_cast<uint8_t>(header) | samples.size() >> 8),
                       static_cast<char>(samples.size()),
                       static_cast<char>((known ? 0x80 : 0) | change)};
  BitWriter out(&bytes);
  const auto& first = samples[0].histogram;
  ChunkLayout layout;
  if (!IsStaleNan(first.sum)) {
    layout = {first.schema, first.zero_threshold, first.positive_spans, first.negative_spans,
              first.custom_values};
  }
  WriteLayout(layout, &out);
  State state;
  state.SetLayout(layout);
  int64_t difference = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto& s = samples[i];
    state.Write(i == 0, s.time_ms, s.histogram, &out);
    if (i == 0 && known) {
      const int64_t d = s.time_ms - s.start_ms;
      for (uint64_t v = static_cast<uint64_t>(d) << 1 ^ static_cast<uint64_t>(d >> 63);; v >>= 7) {
        out.Bits((v & 0x7f) | (v >= 0x80 ? 0x80 : 0), 8);
        if (v < 0x80) break;
      }
    }
    if (i == 0 || change == 0 || i < change) continue;
    const int64_t d = samples[i - 1].time_ms - s.start_ms;
    out.Varbit(i == change ? d : d - difference);
    difference = d;
  }
  return bytes;
}

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TESTS_TSDB_CHUNK_HISTOGRAM_STARTS_ENCODER_H_
