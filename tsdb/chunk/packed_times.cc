#include "tsdb/chunk/packed_times.h"

#include "tsdb/chunk/packed_column.h"
#include "tsdb/chunk/packed_values.h"

namespace deucalion::tsdb {
namespace {

constexpr uint8_t kRegular = 0;
constexpr uint8_t kIrregular = 1;

bool IsRegular(std::span<const int64_t> times) {
  if (times.size() <= 2) return true;
  const int64_t step = times[1] - times[0];
  for (size_t i = 2; i < times.size(); ++i) {
    if (times[i] - times[i - 1] != step) return false;
  }
  return true;
}

}  // namespace

void EncodeTimes(std::span<const int64_t> times, int64_t base_ms, std::string* out) {
  const uint64_t length =
      static_cast<uint64_t>(times.back()) - static_cast<uint64_t>(times.front());
  PutVarint(out, times.size());
  PutSignedVarint(out, static_cast<int64_t>(static_cast<uint64_t>(times.front()) -
                                            static_cast<uint64_t>(base_ms)));
  PutVarint(out, length);
  if (IsRegular(times)) {
    PutU8(out, kRegular);
    return;
  }
  PutU8(out, kIrregular);
  thread_local std::vector<int64_t> offsets;
  offsets.clear();
  for (const int64_t t : times) offsets.push_back(t - times.front());
  EncodeIntegers(offsets, out);
}

bool DecodeTimesHeader(ByteReader* in, int64_t base_ms, TimesHeader* header) {
  const uint64_t count = in->Varint();
  const uint64_t first = static_cast<uint64_t>(in->SignedVarint()) + static_cast<uint64_t>(base_ms);
  const uint64_t length = in->Varint();
  const uint8_t form = in->U8();
  header->count = count;
  header->first_ms = static_cast<int64_t>(first);
  header->last_ms = static_cast<int64_t>(first + length);
  header->regular = form == kRegular;
  const bool sane = count > 0 && count <= kMaxColumn && form <= kIrregular &&
                    length <= static_cast<uint64_t>(INT64_MAX) &&
                    header->last_ms >= header->first_ms &&
                    (count == 1 ? length == 0 : length >= count - 1) &&
                    (!header->regular || count <= 1 || length % (count - 1) == 0);
  if (!in->ok() || !sane) return in->Fail(), false;
  return true;
}

bool DecodeTimes(ByteReader* in, const TimesHeader& header, int64_t* out) {
  if (header.regular) {
    const int64_t step = header.count <= 1 ? 0
                                           : (header.last_ms - header.first_ms) /
                                                 static_cast<int64_t>(header.count - 1);
    for (size_t i = 0; i < header.count; ++i)
      out[i] = header.first_ms + static_cast<int64_t>(i) * step;
    return true;
  }
  if (!DecodeIntegers(in, header.count, out)) return false;
  bool ascending = out[0] == 0;
  int64_t previous = -1;
  const int64_t length = header.last_ms - header.first_ms;
  for (size_t i = 0; i < header.count; ++i) {
    const int64_t offset = out[i];
    ascending &= (offset > previous) & (offset <= length);
    previous = offset;
    out[i] = static_cast<int64_t>(static_cast<uint64_t>(header.first_ms) +
                                  static_cast<uint64_t>(offset));
  }
  if (!ascending || previous != length) return in->Fail(), false;
  return true;
}

}  // namespace deucalion::tsdb
