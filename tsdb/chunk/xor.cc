#include "tsdb/chunk/xor.h"

#include <bit>
#include <cstring>

namespace deucalion::tsdb {
namespace {

// ---- writing ----

// `bits` holds `n` (1 to 64) bits, right-aligned. The bytes behind `pos` are zero.
inline void PutBits(uint8_t* data, uint32_t* pos, uint64_t bits, unsigned n) {
  uint8_t* p = data + (*pos >> 3);
  const unsigned shift = *pos & 7;
  const uint64_t aligned = bits << (64 - n);
  uint64_t word = __builtin_bswap64(aligned >> shift);
  // The bits in front of `pos` share the first byte.
  word |= *p;
  std::memcpy(p, &word, 8);
  if (n + shift > 64) p[8] = static_cast<uint8_t>(aligned << (64 - shift) >> 56);
  *pos += n;
}

void PutUvarint(uint8_t* data, uint32_t* pos, uint64_t v) {
  while (v >= 0x80) {
    PutBits(data, pos, (v & 0x7f) | 0x80, 8);
    v >>= 7;
  }
  PutBits(data, pos, v, 8);
}

// The range that upstream accepts for n bits: -(2^(n-1) - 1) .. 2^(n-1).
inline bool FitsBits(int64_t x, unsigned n) {
  return -((int64_t{1} << (n - 1)) - 1) <= x && x <= int64_t{1} << (n - 1);
}

void PutDeltaOfDelta(uint8_t* data, uint32_t* pos, int64_t dod) {
  constexpr struct {
    unsigned bits;
    uint64_t prefix;
    unsigned prefix_bits;
  } kClasses[] = {{14, 0b10, 2}, {17, 0b110, 3}, {20, 0b1110, 4}};
  for (const auto& c : kClasses) {
    if (!FitsBits(dod, c.bits)) continue;
    const uint64_t low = static_cast<uint64_t>(dod) & ((uint64_t{1} << c.bits) - 1);
    PutBits(data, pos, c.prefix << c.bits | low, c.prefix_bits + c.bits);
    return;
  }
  PutBits(data, pos, 0b1111, 4);
  PutBits(data, pos, static_cast<uint64_t>(dod), 64);
}

void PutValue(XorState* s, uint8_t* data, uint64_t xored) {
  unsigned leading = static_cast<unsigned>(std::countl_zero(xored));
  const unsigned trailing = static_cast<unsigned>(std::countr_zero(xored));
  if (leading > 31) leading = 31;
  if (s->leading != 0xff && leading >= s->leading && trailing >= s->trailing) {
    PutBits(data, &s->bit_pos, 0b10, 2);
    PutBits(data, &s->bit_pos, xored >> s->trailing, 64 - s->leading - s->trailing);
    return;
  }
  s->leading = static_cast<uint8_t>(leading);
  s->trailing = static_cast<uint8_t>(trailing);
  const unsigned width = 64 - leading - trailing;
  PutBits(data, &s->bit_pos, 0b11u << 11 | leading << 6 | (width & 63), 13);
  PutBits(data, &s->bit_pos, xored >> trailing, width);
}

// ---- reading ----

// At least 57 bits from `bit` on, left-aligned. Reads eight bytes.
inline uint64_t Window(const uint8_t* data, size_t bit) {
  uint64_t word;
  std::memcpy(&word, data + (bit >> 3), 8);
  return __builtin_bswap64(word) << (bit & 7);
}

// 64 bits from `bit` on. Reads nine bytes.
inline uint64_t FullWindow(const uint8_t* data, size_t bit) {
  uint64_t word;
  const uint8_t* p = data + (bit >> 3);
  std::memcpy(&word, p, 8);
  const unsigned shift = bit & 7;
  return __builtin_bswap64(word) << shift | static_cast<uint64_t>(p[8]) >> (8 - shift);
}

inline uint64_t GetBits(const uint8_t* data, size_t bit, unsigned n) {
  if (n <= 57) return Window(data, bit) >> (64 - n);
  const unsigned low = n - 32;
  return (Window(data, bit) >> 32) << low | Window(data, bit + 32) >> (64 - low);
}

// Decodes samples from the third on while they are known to lie inside the buffer.
struct Decoder {
  const uint8_t* data;
  size_t bit;
  size_t end_bit;  // first bit that is not of the chunk
  int64_t time_ms;
  uint64_t delta;
  uint64_t value;
  unsigned leading = 0;
  unsigned trailing = 0;
  bool window_set = false;
  bool ok = true;

  // Zigzag or plain varint, byte by byte as upstream writes it.
  uint64_t Uvarint() {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (bit + 8 > end_bit || shift > 63) break;
      const uint64_t byte = GetBits(data, bit, 8);
      bit += 8;
      v |= (byte & 0x7f) << shift;
      if (byte < 0x80) return v;
    }
    ok = false;
    return 0;
  }

  // `w` is the window at `bit`, of which `used` bits are gone.
  inline void Value(uint64_t w) {
    if (!(w >> 63)) {
      bit += 1;
      return;
    }
    if (!(w >> 62 & 1)) {
      bit += 2;
    } else {
      window_set = true;
      leading = w >> 57 & 31;
      unsigned width = w >> 51 & 63;
      if (width == 0) width = 64;
      bit += 13;
      if (leading + width > 64) {
        ok = false;
        return;
      }
      trailing = 64 - leading - width;
    }
    const unsigned width = 64 - leading - trailing;
    value ^= GetBits(data, bit, width) << trailing;
    bit += width;
  }

  // Adds the delta of delta whose first bit, a set one, is at `at` and begins `w`; returns its
  // bits.
  static inline size_t DeltaOfDelta(uint64_t w, const uint8_t* from, size_t at, uint64_t* step) {
    static constexpr uint8_t kBits[4] = {14, 17, 20, 64};
    const auto ones = static_cast<unsigned>(std::countl_one(w));
    if (ones >= 4) {
      *step += FullWindow(from, at + 4);
      return 68;
    }
    const unsigned n = kBits[ones - 1];
    int64_t dod = static_cast<int64_t>(w << (ones + 1) >> (64 - n));
    if (dod > int64_t{1} << (n - 1)) dod -= int64_t{1} << n;
    *step += static_cast<uint64_t>(dod);
    return ones + 1 + n;
  }

  // Up to `n` samples while the sample's first bit is below `stop_bit`; returns how many. The state
  // is in locals meanwhile: what is written to `times` might else be part of it.
  size_t Run(size_t n, size_t stop_bit, int64_t* times, double* values) {
    const uint8_t* const from = data;
    size_t at = bit;
    uint64_t time = static_cast<uint64_t>(time_ms);
    uint64_t step = delta;
    uint64_t bits = value;
    uint64_t lead = leading;
    uint64_t width = 64 - leading - trailing;
    uint64_t opened = 0;
    size_t i = 0;
    while (i < n && at < stop_bit) {
      uint64_t w = FullWindow(from, at);
      if (!(w >> 62)) {
        // "00": on time and unchanged. Such samples come in runs.
        size_t run = w == 0 ? 32 : static_cast<unsigned>(std::countl_zero(w)) / 2;
        if (run > n - i) run = n - i;
        const double same = std::bit_cast<double>(bits);
        for (size_t k = 0; k < run; k++) {
          time += step;
          times[i + k] = static_cast<int64_t>(time);
          values[i + k] = same;
        }
        at += 2 * run;
        i += run;
        continue;
      }
      if (!(w >> 63)) {
        at += 1;
        w <<= 1;
      } else {
        at += DeltaOfDelta(w, from, at, &step);
        w = FullWindow(from, at);
      }
      time += step;
      if (!(w >> 63)) {
        at += 1;
      } else {
        if (!(w >> 62 & 1)) {
          at += 2;
        } else {
          opened = 1;
          lead = w >> 57 & 31;
          width = ((w >> 51) - 1 & 63) + 1;
          at += 13;
          if (lead + width > 64) {
            ok = false;
            break;
          }
        }
        bits ^= FullWindow(from, at) >> (64 - width) << (64 - lead - width);
        at += width;
      }
      times[i] = static_cast<int64_t>(time);
      values[i] = std::bit_cast<double>(bits);
      i++;
    }
    bit = at;
    time_ms = static_cast<int64_t>(time);
    delta = step;
    value = bits;
    leading = static_cast<unsigned>(lead);
    trailing = static_cast<unsigned>(64 - lead - width);
    window_set |= opened != 0;
    return i;
  }
};

Status EndsEarly(size_t size, size_t want) {
  return CorruptError("xor chunk of " + std::to_string(size) + " bytes ends before its " +
                      std::to_string(want) + " samples");
}

// Bytes behind the last that a sample beginning in it may touch: 19 of the sample and a window.
constexpr size_t kTailBytes = 32;

// Decodes all; the final state is left in *d for XorResume.
Status DecodeInto(std::string_view chunk, size_t count, int64_t* times, double* values,
                  Decoder* d) {
  // The last bytes are decoded from a padded copy so that windows never reach behind the chunk.
  uint8_t tail[2 * kTailBytes + 48] = {};
  const auto* bytes = reinterpret_cast<const uint8_t*>(chunk.data());
  const size_t safe = chunk.size() > 2 * kTailBytes ? chunk.size() - kTailBytes : 0;
  const size_t end_bit = chunk.size() * 8;
  size_t done = 0;
  *d = Decoder{.data = bytes, .bit = 16, .end_bit = end_bit};
  size_t moved = 0;
  if (safe == 0) {
    std::memcpy(tail, bytes, chunk.size());
    d->data = tail;
  }
  const uint64_t zigzag = d->Uvarint();
  d->time_ms = static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
  if (!d->ok || d->bit + 64 > end_bit) return EndsEarly(chunk.size(), count);
  d->value = GetBits(d->data, d->bit, 64);
  d->bit += 64;
  times[0] = d->time_ms;
  values[0] = std::bit_cast<double>(d->value);
  done = 1;
  if (count > 1) {
    d->delta = d->Uvarint();
    if (!d->ok) return EndsEarly(chunk.size(), count);
    d->time_ms = static_cast<int64_t>(static_cast<uint64_t>(d->time_ms) + d->delta);
    d->Value(Window(d->data, d->bit));
    times[1] = d->time_ms;
    values[1] = std::bit_cast<double>(d->value);
    done = 2;
  }
  if (safe != 0) {
    done += d->Run(count - done, safe * 8, times + done, values + done);
    if (done < count && d->ok) {
      moved = d->bit >> 3;
      if (moved < chunk.size()) std::memcpy(tail, bytes + moved, chunk.size() - moved);
      d->data = tail;
      d->bit -= moved * 8;
      done += d->Run(count - done, end_bit - moved * 8, times + done, values + done);
    }
  } else {
    done += d->Run(count - done, end_bit, times + done, values + done);
  }
  if (!d->ok || done < count || d->bit + moved * 8 > end_bit) return EndsEarly(chunk.size(), count);
  d->bit += moved * 8;
  return OkStatus();
}

}  // namespace

void XorAppend(XorState* s, uint8_t* data, int64_t time_ms, uint64_t value_bits) {
  if (s->count == 0) {
    PutUvarint(data, &s->bit_pos,
               (static_cast<uint64_t>(time_ms) << 1) ^ static_cast<uint64_t>(time_ms >> 63));
    PutBits(data, &s->bit_pos, value_bits, 64);
  } else {
    const uint64_t delta = static_cast<uint64_t>(time_ms) - static_cast<uint64_t>(s->last_ms);
    const uint64_t xored = value_bits ^ s->last_bits;
    if (s->count == 1) {
      PutUvarint(data, &s->bit_pos, delta);
    } else if (delta == s->last_delta) {
      s->bit_pos++;  // a zero bit is there already
    } else {
      PutDeltaOfDelta(data, &s->bit_pos, static_cast<int64_t>(delta - s->last_delta));
    }
    if (xored == 0) {
      s->bit_pos++;
    } else {
      PutValue(s, data, xored);
    }
    s->last_delta = delta;
  }
  s->last_ms = time_ms;
  s->last_bits = value_bits;
  s->count++;
}

void XorWriter::Append(int64_t time_ms, double value) {
  const size_t want = XorSizeBytes(state_) + kXorRoomBytes;
  if (data_.size() < want) data_.resize(want < 128 ? 128 : want * 2);
  XorAppend(&state_, data_.data(), time_ms, std::bit_cast<uint64_t>(value));
}

std::string_view XorWriter::Finish() {
  if (data_.empty()) data_.resize(kXorHeaderBytes);
  XorFinish(state_, data_.data());
  return {reinterpret_cast<const char*>(data_.data()), size_bytes()};
}

void XorWriter::Clear() {
  std::fill(data_.begin(), data_.end(), 0);
  state_ = XorState();
}

Status XorDecode(std::string_view chunk, size_t count, std::vector<int64_t>* times,
                 std::vector<double>* values) {
  if (count == 0) return OkStatus();
  // Two bits are the least a sample takes: a forged count cannot make us allocate.
  if (count > chunk.size() * 4) return EndsEarly(chunk.size(), count);
  const size_t before = times->size();
  const size_t values_before = values->size();
  times->resize(before + count);
  values->resize(values_before + count);
  Decoder d;
  Status status =
      DecodeInto(chunk, count, times->data() + before, values->data() + values_before, &d);
  if (!status.ok()) {
    times->resize(before);
    values->resize(values_before);
  }
  return status;
}

Result<XorState> XorResume(std::string_view chunk) {
  XorState s;
  s.count = XorCount(chunk);
  if (s.count == 0) return s;
  if (s.count > chunk.size() * 4) return EndsEarly(chunk.size(), s.count);
  std::vector<int64_t> times(s.count);
  std::vector<double> values(s.count);
  Decoder d;
  RETURN_IF_ERROR(DecodeInto(chunk, s.count, times.data(), values.data(), &d));
  s.last_ms = d.time_ms;
  s.last_bits = d.value;
  s.last_delta = s.count > 1 ? d.delta : 0;
  s.bit_pos = static_cast<uint32_t>(d.bit);
  if (d.window_set) {
    s.leading = static_cast<uint8_t>(d.leading);
    s.trailing = static_cast<uint8_t>(d.trailing);
  }
  return s;
}

}  // namespace deucalion::tsdb
