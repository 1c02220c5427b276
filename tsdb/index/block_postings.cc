#include "tsdb/index/block_postings.h"

#include <algorithm>
#include <bit>

#include "base/bytes.h"
#include "tsdb/chunk/packed_unpack.h"

namespace deucalion::tsdb {
namespace {

const packed_internal::UnpackFn kUnpack32 =
    packed_internal::HasAvx2() ? packed_internal::Unpack32Avx2 : packed_internal::Unpack32Portable;

// u8 width and packed deltas of a block whose first number is stored elsewhere.
void PutBlock(std::span<const SeriesNumber> numbers, std::string* out) {
  uint32_t widest = 0;
  for (size_t i = 1; i < numbers.size(); ++i) widest |= numbers[i] - numbers[i - 1] - 1;
  const unsigned width = static_cast<unsigned>(std::bit_width(widest));
  PutU8(out, static_cast<uint8_t>(width));
  uint64_t acc = 0;
  unsigned filled = 0;
  for (size_t i = 1; i < numbers.size(); ++i) {
    acc |= static_cast<uint64_t>(numbers[i] - numbers[i - 1] - 1) << filled;
    for (filled += width; filled >= 8; filled -= 8, acc >>= 8)
      PutU8(out, static_cast<uint8_t>(acc));
  }
  if (filled > 0) PutU8(out, static_cast<uint8_t>(acc));
}

// Reads one block of `count` numbers from the bytes at the front of `block`; out has room for 128
// rounded up to whole miniblocks plus one.
bool ReadBlock(std::string_view block, uint64_t first, size_t count, uint64_t num_series,
               SeriesNumber* out) {
  if (block.empty()) return false;
  const unsigned width = static_cast<uint8_t>(block[0]);
  const size_t bytes = ((count - 1) * width + 7) / 8;
  if (width > 32 || bytes > block.size() - 1 || first >= num_series) return false;
  out[0] = static_cast<SeriesNumber>(first);
  if (width == 0) {
    for (size_t i = 1; i < count; ++i) out[i] = static_cast<SeriesNumber>(first + i);
    return first + count - 1 < num_series;
  }
  const auto* p = reinterpret_cast<const uint8_t*>(block.data()) + 1;
  // The unpacker reads whole groups and a little more: near the end of the list it gets a copy.
  uint8_t copy[4 * 4 * 32 + 16];
  if (block.size() - 1 < 16 * width + 16) {
    std::memset(copy, 0, 16 * width + 16);
    std::memcpy(copy, p, bytes);
    p = copy;
  }
  uint64_t number = first;
  for (size_t i = 1; i < count; i += 32, p += 4 * width) {
    uint64_t deltas[32];
    kUnpack32(p, width, deltas);
    const size_t end = std::min<size_t>(32, count - i);
    for (size_t k = 0; k < end; ++k) {
      number += deltas[k] + 1;
      out[i + k] = static_cast<SeriesNumber>(number);
    }
  }
  return number < num_series;
}

// A list cut into its blocks.
class BlockedList {
 public:
  bool Init(std::string_view list, uint64_t num_series) {
    ByteReader in(list);
    num_series_ = num_series;
    count_ = in.Varint();
    if (!in.ok() || count_ == 0 || count_ > num_series) return false;
    blocks_ = (count_ + kPostingsBlock - 1) / kPostingsBlock;
    if (blocks_ == 1) {
      first_ = in.Varint();
    } else {
      table_ = in.Bytes(blocks_ * 8);
    }
    data_ = in.Rest();
    return in.ok();
  }
  uint64_t count() const { return count_; }
  size_t blocks() const { return blocks_; }
  size_t CountOf(size_t b) const { return std::min(kPostingsBlock, count_ - b * kPostingsBlock); }
  uint64_t First(size_t b) const { return blocks_ == 1 ? first_ : Table(b, 0); }
  bool Read(size_t b, SeriesNumber* out) const {
    if (count_ == 1) {
      out[0] = static_cast<SeriesNumber>(first_);
      return first_ < num_series_;
    }
    const uint64_t offset = blocks_ == 1 ? 0 : Table(b, 4);
    return offset <= data_.size() &&
           ReadBlock(data_.substr(offset), First(b), CountOf(b), num_series_, out);
  }
  // The last block that begins at or before `number`.
  size_t Find(SeriesNumber number, size_t from) const {
    size_t step = 1, low = from;
    while (low + step < blocks_ && First(low + step) <= number) {
      low += step;
      step *= 2;
    }
    size_t high = std::min(low + step, blocks_);
    while (high - low > 1) {
      const size_t middle = (low + high) / 2;
      (First(middle) <= number ? low : high) = middle;
    }
    return low;
  }

 private:
  uint32_t Table(size_t b, size_t at) const {
    uint32_t v;
    std::memcpy(&v, table_.data() + b * 8 + at, 4);
    return v;
  }

  std::string_view table_, data_;
  uint64_t count_ = 0, first_ = 0, num_series_ = 0;
  size_t blocks_ = 0;
};

}  // namespace

void EncodePostings(std::span<const SeriesNumber> numbers, std::string* out) {
  PutVarint(out, numbers.size());
  if (numbers.size() <= kPostingsBlock) {
    if (numbers.empty()) return;
    PutVarint(out, numbers[0]);
    if (numbers.size() > 1) PutBlock(numbers, out);
    return;
  }
  const size_t blocks = (numbers.size() + kPostingsBlock - 1) / kPostingsBlock;
  std::string data, table;
  for (size_t b = 0; b < blocks; ++b) {
    const size_t begin = b * kPostingsBlock;
    PutFixed32(&table, numbers[begin]);
    PutFixed32(&table, static_cast<uint32_t>(data.size()));
    PutBlock(numbers.subspan(begin, std::min(kPostingsBlock, numbers.size() - begin)), &data);
  }
  out->append(table);
  out->append(data);
}

uint64_t PostingsCount(std::string_view list) { return ByteReader(list).Varint(); }

bool DecodePostings(std::string_view list, uint64_t num_series, std::vector<SeriesNumber>* out) {
  BlockedList blocks;
  if (!blocks.Init(list, num_series)) return false;
  const size_t begin = out->size();
  out->resize(begin + blocks.count());
  SeriesNumber* to = out->data() + begin;
  SeriesNumber previous = 0;
  for (size_t b = 0; b < blocks.blocks(); ++b) {
    const size_t count = blocks.CountOf(b);
    if (!blocks.Read(b, to) || (b > 0 && to[0] <= previous)) return false;
    previous = to[count - 1];
    to += count;
  }
  return true;
}

bool FilterByPostings(std::string_view list, uint64_t num_series, bool subtract,
                      std::vector<SeriesNumber>* numbers) {
  BlockedList blocks;
  if (!blocks.Init(list, num_series)) return false;
  SeriesNumber decoded[kPostingsBlock];
  size_t have = SIZE_MAX, at = 0, count = 0, kept = 0;
  for (const SeriesNumber number : *numbers) {
    const size_t b = blocks.Find(number, have == SIZE_MAX ? 0 : have);
    if (b != have) {
      if (!blocks.Read(b, decoded)) return false;
      have = b;
      at = 0;
      count = blocks.CountOf(b);
    }
    while (at < count && decoded[at] < number) ++at;
    const bool found = at < count && decoded[at] == number;
    if (found != subtract) (*numbers)[kept++] = number;
  }
  numbers->resize(kept);
  return true;
}

}  // namespace deucalion::tsdb
