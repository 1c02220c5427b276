// Encoded: varint series, then per series varint number less the one before, varint intervals, per
// interval svarint min and varint length.
#include "tsdb/block/tombstones.h"

#include <algorithm>

#include "base/bytes.h"

namespace deucalion::tsdb {
const TimeIntervals* Tombstones::Of(SeriesNumber series) const {
  const auto it = by_series_.find(series);
  return it == by_series_.end() ? nullptr : &it->second;
}

uint64_t Tombstones::size() const {
  uint64_t n = 0;
  for (const auto& [series, intervals] : by_series_) n += intervals.size();
  return n;
}

std::string Tombstones::Encode() const {
  std::string out;
  PutVarint(&out, by_series_.size());
  SeriesNumber previous = 0;
  for (const auto& [series, intervals] : by_series_) {
    PutVarint(&out, series - previous);
    previous = series;
    PutVarint(&out, intervals.size());
    for (const TimeInterval& i : intervals) {
      PutSignedVarint(&out, i.min_ms);
      PutVarint(&out, static_cast<uint64_t>(i.max_ms) - static_cast<uint64_t>(i.min_ms));
    }
  }
  return out;
}

Result<Tombstones> Tombstones::Decode(std::string_view bytes) {
  Tombstones tombstones;
  ByteReader in(bytes);
  const uint64_t count = in.Varint();
  uint64_t series = 0;
  for (uint64_t i = 0; in.ok() && i < count; ++i) {
    series += in.Varint();
    const uint64_t intervals = in.Varint();
    if (series > UINT32_MAX) in.Fail();
    for (uint64_t k = 0; in.ok() && k < intervals; ++k) {
      const int64_t min = in.SignedVarint();
      const int64_t max = static_cast<int64_t>(static_cast<uint64_t>(min) + in.Varint());
      if (max < min) in.Fail();
      if (in.ok()) tombstones.Add(static_cast<SeriesNumber>(series), {min, max});
    }
  }
  if (!in.ok() || !in.done()) return CorruptError("tombstones do not decode");
  return tombstones;
}

}  // namespace deucalion::tsdb
