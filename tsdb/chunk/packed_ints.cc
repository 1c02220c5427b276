#include "tsdb/chunk/packed_ints.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <vector>

#include "tsdb/chunk/packed_unpack.h"

namespace deucalion::tsdb {
namespace {

constexpr unsigned kOwnBases = 0x10;

struct Range {
  int64_t min = std::numeric_limits<int64_t>::max();
  int64_t max = std::numeric_limits<int64_t>::min();
  void Add(int64_t v) {
    min = std::min(min, v);
    max = std::max(max, v);
  }
};

// What one miniblock needs, dense and sparse.
struct MiniblockShape {
  Range all;
  Range nonzero;
  unsigned count = 0;
  unsigned nonzeros = 0;
};

unsigned Width(int64_t max, int64_t base) {
  return static_cast<unsigned>(
      std::bit_width(static_cast<uint64_t>(max) - static_cast<uint64_t>(base)));
}

struct Choice {
  unsigned symbol = 0;
  size_t bytes = 0;
  int64_t base = 0;  // with bases of their own
};

size_t BytesOf(size_t count, unsigned width) { return (count * width + 7) / 8; }

Choice Choose(const MiniblockShape& shape, int64_t dense_base, int64_t sparse_base) {
  const unsigned dense = Width(shape.all.max, dense_base);
  Choice best{2 * dense, BytesOf(shape.count, dense), dense_base};
  const unsigned sparse = shape.nonzeros == 0 ? 0 : Width(shape.nonzero.max, sparse_base);
  const size_t sparse_bytes = 4 + BytesOf(shape.nonzeros, sparse);
  if (sparse_bytes < best.bytes) best = {2 * sparse + 1, sparse_bytes, sparse_base};
  return best;
}

size_t SignedVarintBytes(int64_t v) { return (std::bit_width(ZigZag(v) | 1) + 6) / 7; }

struct Plan {
  std::vector<Choice> choices;
  bool own_bases = false;
  int64_t base = 0;
  size_t bytes = 0;
};

void ShapeOf(std::span<const int64_t> values, std::vector<MiniblockShape>* shapes,
             int64_t* lowest) {
  shapes->clear();
  *lowest = std::numeric_limits<int64_t>::max();
  for (size_t i = 0; i < values.size(); i += kMiniblock) {
    MiniblockShape shape;
    const size_t end = std::min(values.size(), i + kMiniblock);
    for (size_t k = i; k < end; ++k) {
      shape.all.Add(values[k]);
      if (values[k] != 0) {
        shape.nonzero.Add(values[k]);
        ++shape.nonzeros;
      }
    }
    shape.count = static_cast<unsigned>(end - i);
    *lowest = std::min(*lowest, shape.all.min);
    shapes->push_back(shape);
  }
}

size_t SymbolBytes(const std::vector<Choice>& choices, unsigned* lowest, unsigned* bits) {
  unsigned low = 255, high = 0;
  for (const Choice& c : choices) {
    low = std::min(low, c.symbol);
    high = std::max(high, c.symbol);
  }
  *lowest = choices.empty() ? 0 : low;
  *bits = choices.empty() ? 0 : static_cast<unsigned>(std::bit_width(high - low));
  return BytesOf(choices.size(), *bits);
}

void MakePlan(std::span<const int64_t> values, Plan* plan) {
  thread_local std::vector<MiniblockShape> shapes;
  thread_local std::vector<Choice> own;
  int64_t lowest = 0;
  ShapeOf(values, &shapes, &lowest);
  plan->choices.clear();
  own.clear();
  plan->base = values.empty() ? 0 : lowest;
  size_t shared_bytes = 0, own_bytes = 0;
  int64_t previous = 0;
  for (const MiniblockShape& shape : shapes) {
    plan->choices.push_back(Choose(shape, plan->base, plan->base));
    shared_bytes += plan->choices.back().bytes;
    own.push_back(Choose(shape, shape.all.min, shape.nonzeros == 0 ? 0 : shape.nonzero.min));
    const int64_t step = static_cast<int64_t>(static_cast<uint64_t>(own.back().base) -
                                              static_cast<uint64_t>(previous));
    own_bytes += own.back().bytes + SignedVarintBytes(step);
    previous = own.back().base;
  }
  unsigned lo, bits;
  shared_bytes += SymbolBytes(plan->choices, &lo, &bits) + SignedVarintBytes(plan->base);
  own_bytes += SymbolBytes(own, &lo, &bits) + 1;
  plan->own_bases = own_bytes < shared_bytes;
  if (plan->own_bases) {
    plan->choices.swap(own);
    plan->base = 0;
  }
  plan->bytes = 2 + std::min(shared_bytes, own_bytes);
}

// Appends values of up to 64 bits, little-endian.
class BitPacker {
 public:
  explicit BitPacker(std::string* out) : out_(out) {}
  void Put(uint64_t v, unsigned width) {
    acc_ |= static_cast<unsigned __int128>(v) << filled_;
    filled_ += width;
    while (filled_ >= 64) {
      PutFixed64(out_, static_cast<uint64_t>(acc_));
      acc_ >>= 64;
      filled_ -= 64;
    }
  }
  void Flush() {
    for (; filled_ > 0; filled_ -= std::min(filled_, 8u)) {
      PutU8(out_, static_cast<uint8_t>(acc_));
      acc_ >>= 8;
    }
  }

 private:
  std::string* out_;
  unsigned __int128 acc_ = 0;
  unsigned filled_ = 0;
};

void PackMiniblock(std::span<const int64_t> values, const Choice& choice, int64_t base,
                   std::string* out) {
  const unsigned width = choice.symbol / 2;
  const bool sparse = choice.symbol & 1;
  if (sparse) {
    uint32_t map = 0;
    for (size_t i = 0; i < values.size(); ++i) map |= static_cast<uint32_t>(values[i] != 0) << i;
    PutFixed32(out, map);
  }
  if (width == 0) return;
  BitPacker bits(out);
  for (const int64_t v : values) {
    if (sparse && v == 0) continue;
    bits.Put(static_cast<uint64_t>(v) - static_cast<uint64_t>(base), width);
  }
  bits.Flush();
}

const packed_internal::UnpackFn kUnpack32 =
    packed_internal::HasAvx2() ? packed_internal::Unpack32Avx2 : packed_internal::Unpack32Portable;

// Bits [index * bits, …) of packed symbols.
unsigned SymbolAt(std::string_view packed, size_t index, unsigned bits) {
  unsigned value = 0;
  const size_t begin = index * bits;
  for (unsigned got = 0; got < bits;) {
    const size_t at = begin + got;
    const unsigned shift = at & 7, take = std::min(bits - got, 8 - shift);
    value |= ((static_cast<uint8_t>(packed[at >> 3]) >> shift) & ((1u << take) - 1)) << got;
    got += take;
  }
  return value;
}

}  // namespace

size_t PackedSize(std::span<const int64_t> values) {
  thread_local Plan plan;
  MakePlan(values, &plan);
  return plan.bytes;
}

void PackInts(std::span<const int64_t> values, std::string* out) {
  thread_local Plan plan;
  MakePlan(values, &plan);
  unsigned lowest, bits;
  SymbolBytes(plan.choices, &lowest, &bits);
  PutU8(out, static_cast<uint8_t>(bits | (plan.own_bases ? kOwnBases : 0)));
  PutU8(out, static_cast<uint8_t>(lowest));
  PutSignedVarint(out, plan.base);
  BitPacker symbols(out);
  for (const Choice& c : plan.choices) symbols.Put(c.symbol - lowest, bits);
  symbols.Flush();
  if (plan.own_bases) {
    uint64_t previous = 0;
    for (const Choice& c : plan.choices) {
      PutSignedVarint(out, static_cast<int64_t>(static_cast<uint64_t>(c.base) - previous));
      previous = static_cast<uint64_t>(c.base);
    }
  }
  for (size_t b = 0; b < plan.choices.size(); ++b) {
    const size_t begin = b * kMiniblock;
    PackMiniblock(values.subspan(begin, std::min(kMiniblock, values.size() - begin)),
                  plan.choices[b], plan.own_bases ? plan.choices[b].base : plan.base, out);
  }
}

size_t PackedIntsReader::PayloadBytes(unsigned symbol, const uint8_t* p, size_t left,
                                      size_t count) const {
  const unsigned width = symbol / 2;
  if ((symbol & 1) == 0) return BytesOf(count, width);
  if (left < 4) return left + 1;
  uint32_t map;
  std::memcpy(&map, p, 4);
  return 4 + BytesOf(static_cast<size_t>(std::popcount(map)), width);
}

bool PackedIntsReader::Init(ByteReader* in, size_t count) {
  const unsigned flags = in->U8();
  min_symbol_ = in->U8();
  base_ = static_cast<uint64_t>(in->SignedVarint());
  symbol_bits_ = flags & 0x0f;
  own_bases_ = (flags & kOwnBases) != 0;
  count_ = count;
  block_ = 0;
  const size_t blocks = (count + kMiniblock - 1) / kMiniblock;
  if (!in->ok() || symbol_bits_ > 8 || (flags >> 5) != 0) return in->Fail(), false;
  symbols_ = in->Bytes(BytesOf(blocks, symbol_bits_));
  if (!in->ok()) return false;
  bases_ = *in;
  if (own_bases_) {
    base_ = 0;
    for (size_t b = 0; b < blocks; ++b) in->Varint();
  }
  // Where the payload ends is the sum over the symbols.
  const std::string_view rest = ByteReader(*in).Rest();
  if (!in->ok()) return false;
  payload_ = reinterpret_cast<const uint8_t*>(rest.data());
  end_ = payload_ + rest.size();
  size_t used = 0;
  for (size_t b = 0; b < blocks; ++b) {
    const unsigned symbol = min_symbol_ + SymbolAt(symbols_, b, symbol_bits_);
    if (symbol > 129) return in->Fail(), false;
    used += PayloadBytes(symbol, payload_ + used, rest.size() - used,
                         std::min(kMiniblock, count - b * kMiniblock));
    if (used > rest.size()) return in->Fail(), false;
  }
  in->Skip(used);
  return true;
}

size_t PackedIntsReader::Next(int64_t* out) {
  const size_t begin = block_ * kMiniblock;
  if (begin >= count_) return 0;
  const size_t count = std::min(kMiniblock, count_ - begin);
  const unsigned symbol = min_symbol_ + SymbolAt(symbols_, block_, symbol_bits_);
  const unsigned width = symbol / 2;
  ++block_;
  if (own_bases_) base_ += static_cast<uint64_t>(bases_.SignedVarint());
  const size_t left = static_cast<size_t>(end_ - payload_);
  const size_t bytes = PayloadBytes(symbol, payload_, left, count);
  const uint8_t* p = payload_;
  payload_ += bytes;

  // The unpackers read whole words: near the end of the buffer they get a copy.
  uint8_t copy[kMiniblock * 8 + 4 + 16];
  const size_t want = 4 * static_cast<size_t>(width) + 4 + 16;
  if (left < want) {
    std::memset(copy, 0, sizeof(copy));
    std::memcpy(copy, p, std::min(bytes, sizeof(copy) - 16));
    p = copy;
  }
  uint64_t values[kMiniblock];
  if ((symbol & 1) == 0) {
    kUnpack32(p, width, values);
    for (size_t i = 0; i < kMiniblock; ++i) out[i] = static_cast<int64_t>(values[i] + base_);
    return count;
  }
  uint32_t map;
  std::memcpy(&map, p, 4);
  std::fill_n(out, kMiniblock, 0);
  if (map == 0) return count;
  kUnpack32(p + 4, width, values);
  for (size_t k = 0; map != 0; ++k, map &= map - 1) {
    out[std::countr_zero(map)] = static_cast<int64_t>(values[k] + base_);
  }
  return count;
}

}  // namespace deucalion::tsdb
