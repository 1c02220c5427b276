#include "tsdb/index/series_rows.h"

#include <bit>

namespace deucalion::tsdb {
namespace {

enum Head : uint64_t { kSchema = 1, kTimes = 2, kSeveral = 4, kNewPage = 8 };
constexpr unsigned kMaskShift = 4;
// Labels beyond this many do not fit the mask: such rows are written whole.
constexpr size_t kMaskedLabels = 56;

}  // namespace

void RowEncoder::Append(const SeriesRow& row, bool first, std::string* out) {
  if (first) {
    PutVarint(out, row.chunks[0].page);
    PutVarint(out, row.chunks[0].offset);
    if (with_summaries_) {
      PutVarint(out, row.summary.page);
      PutVarint(out, row.summary.offset);
    }
  }
  const size_t labels = row.values.size();
  const bool schema = first || row.schema != previous_.schema || labels > kMaskedLabels;
  const bool times = first || row.from != previous_.from || row.to != previous_.to;
  uint64_t head = (schema ? uint64_t{kSchema} : 0) | (times ? uint64_t{kTimes} : 0);
  if (!schema) {
    for (size_t i = 0; i < labels; ++i) {
      if (row.values[i] != previous_.values[i])
        head |= uint64_t{1} << (kMaskShift + labels - 1 - i);
    }
  }
  uint32_t page = first ? row.chunks[0].page : previous_.chunks.back().page;
  const bool several = row.chunks.size() > 1;
  if (several) {
    head |= kSeveral;
  } else if (row.chunks[0].page != page) {
    head |= kNewPage;
  }
  PutVarint(out, head);
  if (schema) {
    PutVarint(out, row.schema);
    for (const uint32_t v : row.values) PutVarint(out, v);
  } else {
    for (size_t i = 0; i < labels; ++i) {
      if (row.values[i] == previous_.values[i]) continue;
      PutSignedVarint(out, static_cast<int64_t>(row.values[i]) - previous_.values[i]);
    }
  }
  if (times) {
    PutU8(out, row.from);
    PutU8(out, row.to);
  }
  if (several) {
    PutVarint(out, row.chunks.size());
    for (const ChunkPlace& c : row.chunks) {
      PutVarint(out, uint64_t{c.size_bytes} * 2 + (c.page != page));
      page = c.page;
    }
  } else {
    PutVarint(out, row.chunks[0].size_bytes);
  }
  if (with_summaries_) {
    const bool new_page = !first && row.summary.page != previous_.summary.page;
    PutVarint(out, uint64_t{row.summary.size_bytes} * 2 + new_page);
  }
  previous_ = row;
}

bool RowDecoder::Start(std::string_view group, bool with_summaries,
                       std::span<const uint32_t> schema_sizes) {
  in_ = ByteReader(group);
  schema_sizes_ = schema_sizes;
  with_summaries_ = with_summaries;
  first_ = true;
  page_ = static_cast<uint32_t>(in_.Varint());
  offset_ = static_cast<uint32_t>(in_.Varint());
  summary_page_ = with_summaries ? static_cast<uint32_t>(in_.Varint()) : 0;
  summary_offset_ = with_summaries ? static_cast<uint32_t>(in_.Varint()) : 0;
  return in_.ok();
}

bool RowDecoder::ReadValues(uint64_t head) {
  if (head & kSchema) {
    const uint64_t schema = in_.Varint();
    if (schema >= schema_sizes_.size()) return false;
    row_.schema = static_cast<uint32_t>(schema);
    row_.values.resize(schema_sizes_[schema]);
    for (uint32_t& v : row_.values) v = static_cast<uint32_t>(in_.Varint());
    return in_.ok();
  }
  uint64_t mask = head >> kMaskShift;
  const size_t labels = row_.values.size();
  if (first_ || (labels < 60 && (mask >> labels) != 0)) return false;
  while (mask != 0) {
    const size_t bit = 63 - static_cast<size_t>(std::countl_zero(mask));
    mask &= ~(uint64_t{1} << bit);
    row_.values[labels - 1 - bit] += static_cast<uint32_t>(in_.SignedVarint());
  }
  return in_.ok();
}

bool RowDecoder::ReadPlaces(uint64_t head) {
  const auto take = [this](uint64_t size, bool new_page) {
    if (new_page) {
      ++page_;
      offset_ = 0;
    }
    row_.chunks.push_back({page_, offset_, static_cast<uint32_t>(size)});
    offset_ += static_cast<uint32_t>(size);
  };
  row_.chunks.clear();
  if (head & kSeveral) {
    const uint64_t count = in_.Varint();
    if (count < 2 || count > in_.remaining()) return false;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t v = in_.Varint();
      take(v >> 1, v & 1);
    }
  } else {
    take(in_.Varint(), head & kNewPage);
  }
  if (!with_summaries_) return in_.ok();
  const uint64_t v = in_.Varint();
  if (v & 1) {
    ++summary_page_;
    summary_offset_ = 0;
  }
  row_.summary = {summary_page_, summary_offset_, static_cast<uint32_t>(v >> 1)};
  summary_offset_ += static_cast<uint32_t>(v >> 1);
  return in_.ok();
}

bool RowDecoder::Next() {
  const uint64_t head = in_.Varint();
  if (!in_.ok() || !ReadValues(head)) return false;
  first_ = false;
  if (head & kTimes) {
    row_.from = in_.U8();
    row_.to = in_.U8();
  }
  return ReadPlaces(head);
}

}  // namespace deucalion::tsdb
