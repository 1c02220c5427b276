// The series table of a block: one row per series in label order, each written as the difference
// from the row before it, in groups of 16 that can be decoded alone.
//
//   group:  varint page, varint offset [, varint summary page, varint summary offset], then rows
//   row:    varint head: bit 0 schema follows, bit 1 time range follows, bit 2 several chunks,
//                        bit 3 the chunk begins a new page, bits 4..: which values change, bit 4
//                        the value of the last label, bit 5 of the one before, …
//           [varint schema, then varint value id per label]        bit 0, and in each first row
//           svarint value id less that of the row before, per changed value, first label first
//           [u8 from, u8 to]                                        bit 1
//           varint chunk size              or, bit 2: varint chunks, varint size * 2 + new page
//           each [varint summary size * 2 + new page]                    in blocks with summaries
//
// A chunk begins where the one before it ended, or at the start of the next page. `from` and `to`
// are the series' time range in 255ths of the block's, rounded outwards. A schema is a tuple of
// label names; value ids are numbered per name in order of first use.
#ifndef DEUCALION_TSDB_INDEX_SERIES_ROWS_H_
#define DEUCALION_TSDB_INDEX_SERIES_ROWS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace deucalion::tsdb {

inline constexpr size_t kRowsPerGroup = 16;

// Where a series' data begins: a page (numbered through the block) and an offset in its raw bytes.
struct ChunkPlace {
  uint32_t page = 0;
  uint32_t offset = 0;
  uint32_t size_bytes = 0;
  friend bool operator==(const ChunkPlace&, const ChunkPlace&) = default;
};

struct SeriesRow {
  uint32_t schema = 0;
  std::vector<uint32_t> values;  // value ids, one per label of the schema
  uint8_t from = 0, to = 255;
  std::vector<ChunkPlace> chunks;  // at least one
  ChunkPlace summary;
};

class RowEncoder {
 public:
  explicit RowEncoder(bool with_summaries) : with_summaries_(with_summaries) {}
  // Appends the row. `first` begins a group. Places must follow each other as described above.
  void Append(const SeriesRow& row, bool first, std::string* out);

 private:
  const bool with_summaries_;
  SeriesRow previous_;
};

// Walks the rows of one group. Borrows the bytes given to Start.
class RowDecoder {
 public:
  // Positions before the first row. `schema_sizes`: number of labels per schema; must outlive this.
  bool Start(std::string_view group, bool with_summaries, std::span<const uint32_t> schema_sizes);
  // Reads the next row into row(). False when the bytes do not decode.
  bool Next();
  const SeriesRow& row() const { return row_; }

 private:
  bool ReadValues(uint64_t head);
  bool ReadPlaces(uint64_t head);

  ByteReader in_;
  std::span<const uint32_t> schema_sizes_;
  bool with_summaries_ = false;
  bool first_ = true;
  uint32_t page_ = 0, offset_ = 0;  // where the next chunk begins
  uint32_t summary_page_ = 0, summary_offset_ = 0;
  SeriesRow row_;
};

}  // namespace deucalion::tsdb

#endif  // DEUCALION_TSDB_INDEX_SERIES_ROWS_H_
