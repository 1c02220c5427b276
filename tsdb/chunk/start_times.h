// Start timestamps in Prometheus's chunks, behind each sample that has one.
//
//   header, 1 byte: bit 7: the first sample has a start timestamp; bits 0-6: first sample whose
//                   start timestamp differs from the one before (0: none); from there on each
//                   sample carries one
//   sample 0:       zigzag varint time - start
//   later samples:  varbit of previous time - start; behind the first of them the difference to
//                   that
#ifndef DEUCALION_TSDB_CHUNK_START_TIMES_H_
#define DEUCALION_TSDB_CHUNK_START_TIMES_H_

#include <cstdint>

#include "tsdb/chunk/bit_stream.h"

namespace deucalion::tsdb {

// Thread-compatible.
class StartTimeReader {
 public:
  StartTimeReader() = default;
  explicit StartTimeReader(uint8_t header)
      : first_known_((header & 0x80) != 0), first_change_(header & 0x7f) {}

  // Call once per sample, in order, when the sample itself has been read. Damage shows in `in`.
  void Next(int64_t previous_ms, int64_t time_ms, BitReader* in) {
    if (read_ == 0) {
      if (first_known_) Set(time_ms, static_cast<uint64_t>(in->SignedVarint()));
    } else if (first_change_ > 0 && read_ >= first_change_) {
      const auto difference = static_cast<uint64_t>(in->Varbit());
      Set(previous_ms, read_ == first_change_ ? difference : difference_ + difference);
    }
    ++read_;
  }
  // Of the sample read last; 0 when it has none.
  int64_t start_ms() const { return start_ms_; }

 private:
  void Set(int64_t from_ms, uint64_t difference) {
    difference_ = difference;
    start_ms_ = static_cast<int64_t>(static_cast<uint64_t>(from_ms) - difference);
  }

  bool first_known_ = false;
  unsigned first_change_ = 0;
  unsigned read_ = 0;
  uint64_t difference_ = 0;
  int64_t start_ms_ = 0;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_CHUNK_START_TIMES_H_
