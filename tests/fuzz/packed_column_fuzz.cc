// Decodes arbitrary bytes as packed value, time and histogram columns; what decodes must come back
// from a second round through the encoder.
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tsdb/chunk/packed_histograms.h"
#include "tsdb/chunk/packed_times.h"
#include "tsdb/chunk/packed_values.h"

namespace {

using namespace deucalion;        // NOLINT: a fuzz entry
using namespace deucalion::tsdb;  // NOLINT

void Values(std::string_view bytes, size_t count) {
  std::vector<double> first(count), second(count);
  ByteReader in(bytes);
  if (!DecodeValues(&in, count, first.data())) return;
  std::string again;
  EncodeValues(first, &again);
  ByteReader reread(again);
  if (!DecodeValues(&reread, count, second.data()) || !reread.done()) std::abort();
  for (size_t i = 0; i < count; ++i) {
    if (std::bit_cast<uint64_t>(first[i]) != std::bit_cast<uint64_t>(second[i])) std::abort();
  }
}

void Times(std::string_view bytes) {
  ByteReader in(bytes);
  TimesHeader header;
  if (!DecodeTimesHeader(&in, 0, &header)) return;
  std::vector<int64_t> times(header.count);
  (void)DecodeTimes(&in, header, times.data());
}

void Histograms(std::string_view bytes, size_t count) {
  std::vector<HistogramPoint> points(count);
  ByteReader in(bytes);
  (void)DecodeHistograms(&in, count, points.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t count = data[0] + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[1] % 3) {
    case 0:
      Values(bytes, count);
      break;
    case 1:
      Times(bytes);
      break;
    default:
      Histograms(bytes, count);
  }
  return 0;
}
