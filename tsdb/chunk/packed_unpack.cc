// Unpacking 32 values of one width.
//
// Portable: value i begins at bit i * width; one unaligned 64-bit load and a shift yield any value
// of up to 57 bits, wider ones take a second load. AVX2: 8 values of `width` bits are `width`
// bytes. For widths up to 25 a value and its bit offset (at most 7) fit in 32 bits, so one byte
// shuffle puts the four bytes of each value into its lane and a variable shift finishes: 8 values
// in five instructions.
#include "tsdb/chunk/packed_unpack.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace deucalion::tsdb::packed_internal {
namespace {

uint64_t Load64(const uint8_t* p) {
  uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

}  // namespace

void Unpack32Portable(const uint8_t* p, unsigned width, uint64_t* out) {
  if (width == 0) {
    for (size_t i = 0; i < kMiniblock; ++i) out[i] = 0;
    return;
  }
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  if (width <= 57) {
    for (unsigned i = 0; i < kMiniblock; ++i) {
      const unsigned bit = i * width;
      out[i] = (Load64(p + (bit >> 3)) >> (bit & 7)) & mask;
    }
    return;
  }
  for (unsigned i = 0; i < kMiniblock; ++i) {
    const unsigned bit = i * width, shift = bit & 7;
    uint64_t v = Load64(p + (bit >> 3)) >> shift;
    if (shift != 0) v |= static_cast<uint64_t>(p[(bit >> 3) + 8]) << (64 - shift);
    out[i] = v & mask;
  }
}

void ConvertSmallPortable(const int64_t* values, size_t count, double divisor, double* out) {
  if (divisor == 1) {
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<double>(values[i]);
    return;
  }
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<double>(values[i]) / divisor;
}

#if defined(__x86_64__)
namespace {

struct ShuffleTable {
  alignas(32) uint8_t bytes[26][32];
  alignas(32) uint32_t shifts[26][8];
};

constexpr ShuffleTable MakeShuffleTable() {
  ShuffleTable t{};
  for (unsigned width = 0; width <= 25; ++width) {
    const unsigned upper = 4 * width / 8;  // where the load of values 4-7 begins
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned bit = i * width - (i < 4 ? 0 : upper * 8);
      for (unsigned b = 0; b < 4; ++b)
        t.bytes[width][4 * i + b] = static_cast<uint8_t>(bit / 8 + b);
      t.shifts[width][i] = bit % 8;
    }
  }
  return t;
}

constexpr ShuffleTable kShuffle = MakeShuffleTable();

}  // namespace

bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2");
  return has;
}

__attribute__((target("avx2"))) void Unpack32Avx2(const uint8_t* p, unsigned width, uint64_t* out) {
  if (width == 0 || width > 25) return Unpack32Portable(p, width, out);
  const __m256i shuffle =
      _mm256_load_si256(reinterpret_cast<const __m256i*>(kShuffle.bytes[width]));
  const __m256i shift = _mm256_load_si256(reinterpret_cast<const __m256i*>(kShuffle.shifts[width]));
  const __m256i mask = _mm256_set1_epi32(static_cast<int>((1u << width) - 1));
  const unsigned upper = 4 * width / 8;
  for (unsigned group = 0; group < 4; ++group, p += width) {
    const __m256i bytes = _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(p + upper),
                                              reinterpret_cast<const __m128i*>(p));
    const __m256i lanes =
        _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(bytes, shuffle), shift), mask);
    auto* to = reinterpret_cast<__m256i*>(out + 8 * group);
    _mm256_storeu_si256(to, _mm256_cvtepu32_epi64(_mm256_castsi256_si128(lanes)));
    _mm256_storeu_si256(to + 1, _mm256_cvtepu32_epi64(_mm256_extracti128_si256(lanes, 1)));
  }
}

// Adding 1.5 * 2^52 as an integer to the bits of a small integer, then subtracting it as a double,
// is an exact conversion below 2^51.
__attribute__((target("avx2"))) void ConvertSmallAvx2(const int64_t* values, size_t count,
                                                      double divisor, double* out) {
  const __m256i magic_bits = _mm256_set1_epi64x(0x4338000000000000);
  const __m256d magic = _mm256_castsi256_pd(magic_bits);
  const __m256d by = _mm256_set1_pd(divisor);
  for (size_t i = 0; i < count; i += 4) {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + i));
    __m256d d = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_add_epi64(v, magic_bits)), magic);
    if (divisor != 1) d = _mm256_div_pd(d, by);
    _mm256_storeu_pd(out + i, d);
  }
}
#else
bool HasAvx2() { return false; }
void Unpack32Avx2(const uint8_t* p, unsigned width, uint64_t* out) {
  Unpack32Portable(p, width, out);
}
void ConvertSmallAvx2(const int64_t* values, size_t count, double divisor, double* out) {
  ConvertSmallPortable(values, count, divisor, out);
}
#endif

}  // namespace deucalion::tsdb::packed_internal
