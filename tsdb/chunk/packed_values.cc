// Choosing a form.
//
// A double that was printed with at most 15 to 17 digits is m / 10^e for a whole m, and the
// division is correctly rounded, so it gives back the same 64 bits; that is verified for every
// value, never assumed. The exponent is the smallest that fits all values but a few: those become
// exceptions. Exceptions repeat the previous mantissa in the integer stream, which costs it next to
// nothing.
#include "tsdb/chunk/packed_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "model/value.h"
#include "tsdb/chunk/packed_column.h"
#include "tsdb/chunk/packed_unpack.h"

namespace deucalion::tsdb {
namespace {

// First byte: form in bits 0-2, bit 3: exceptions follow, bits 4-7 unused but for the exponent
// below.
enum Form : uint8_t {
  kConstantDecimal = 0,  // u8 exponent, svarint mantissa
  kConstantRaw = 1,      // 8 bytes
  kDecimals = 2,         // u8 exponent, [exceptions], integers
  kBits = 3,             // integers over the bit patterns
  kSmallConstant = 4,    // whole value 0-15 in bits 4-7
};
constexpr uint8_t kFormMask = 0x07;
constexpr uint8_t kExceptionsFlag = 0x08;

// Codes of exceptions that need no payload; kRawBits is followed by 8 bytes.
enum ExceptionCode : uint8_t {
  kRawBits = 0,
  kStale = 1,
  kNaN = 2,
  kMinusZero = 3,
  kInf = 4,
  kMinusInf = 5
};

constexpr int kMaxExponent = 17;
constexpr double kPow10[kMaxExponent + 1] = {1,   1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,
                                             1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};
constexpr double kExactLimit = 9007199254740992.0;  // 2^53: whole doubles are exact below

uint64_t BitsOf(double v) { return std::bit_cast<uint64_t>(v); }

// Whether v == *mantissa / 10^exponent, bit for bit.
bool ToDecimal(double v, int exponent, int64_t* mantissa) {
  if (exponent == 0) {
    if (!(std::abs(v) < 9.2e18)) return false;
    *mantissa = static_cast<int64_t>(v);
    return BitsOf(static_cast<double>(*mantissa)) == BitsOf(v);
  }
  const double scaled = v * kPow10[exponent];
  if (!(std::abs(scaled) < kExactLimit)) return false;
  *mantissa = std::llrint(scaled);
  return BitsOf(static_cast<double>(*mantissa) / kPow10[exponent]) == BitsOf(v);
}

struct Exceptions {
  std::vector<uint32_t> positions;
  std::vector<double> values;
  size_t bytes = 0;
  void Clear() {
    positions.clear();
    values.clear();
    bytes = 0;
  }
};

uint8_t CodeOf(double v) {
  switch (BitsOf(v)) {
    case kStaleNanBits:
      return kStale;
    case kNormalNanBits:
      return kNaN;
    case uint64_t{1} << 63:
      return kMinusZero;
    case 0x7ff0000000000000:
      return kInf;
    case 0xfff0000000000000:
      return kMinusInf;
    default:
      return kRawBits;
  }
}

// How many values first become whole at each exponent; the last entry counts those that never do.
// False when too many never do: not a decimal column.
bool CountExponents(std::span<const double> values, size_t allowed,
                    std::array<uint32_t, kMaxExponent + 2>* counts) {
  counts->fill(0);
  int guess = 0;
  size_t never = 0;
  for (const double v : values) {
    int64_t m;
    int e = guess;
    if (ToDecimal(v, e, &m)) {
      while (e > 0 && m % 10 == 0 && ToDecimal(v, e - 1, &m)) --e;
    } else {
      for (e = guess + 1; e <= kMaxExponent && !ToDecimal(v, e, &m); ++e) {
      }
      if (e > kMaxExponent) {
        // Large numbers are whole at exponents below the guess only.
        for (e = guess - 1; e >= 0 && !ToDecimal(v, e, &m); --e) {
        }
      }
      if (e < 0) {
        if (std::isfinite(v) && v != 0 && ++never > allowed) return false;
        ++(*counts)[kMaxExponent + 1];
        continue;
      }
      guess = std::max(guess, e);
    }
    ++(*counts)[static_cast<size_t>(e)];
  }
  return (*counts)[kMaxExponent + 1] <= allowed;
}

// Mantissas at `exponent`; what does not fit becomes an exception.
bool ToMantissas(std::span<const double> values, int exponent, size_t allowed,
                 std::vector<int64_t>* mantissas, Exceptions* exceptions) {
  mantissas->resize(values.size());
  exceptions->Clear();
  int64_t previous = 0;
  size_t leading = 0;  // exceptions before the first mantissa take its value
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t m;
    if (ToDecimal(values[i], exponent, &m)) {
      if (leading == i) std::fill_n(mantissas->begin(), i, m);
      previous = m;
    } else {
      leading += leading == i;
      if (exceptions->positions.size() == allowed) return false;
      exceptions->positions.push_back(static_cast<uint32_t>(i));
      exceptions->values.push_back(values[i]);
      exceptions->bytes += CodeOf(values[i]) == kRawBits ? 10 : 2;
    }
    (*mantissas)[i] = previous;
  }
  return true;
}

struct DecimalPlan {
  int exponent = 0;
  IntegerPlan integers;
  Exceptions exceptions;
  size_t bytes = SIZE_MAX;
};

void TryExponent(std::span<const double> values, int exponent, size_t allowed, DecimalPlan* best) {
  thread_local std::vector<int64_t> mantissas;
  thread_local DecimalPlan plan;
  if (!ToMantissas(values, exponent, allowed, &mantissas, &plan.exceptions)) return;
  plan.exponent = exponent;
  PlanIntegers(mantissas, false, &plan.integers);
  plan.bytes = 2 + plan.integers.bytes + plan.exceptions.bytes;
  if (plan.bytes < best->bytes) std::swap(*best, plan);
}

// The best decimal form, bytes == SIZE_MAX when there is none.
void PlanDecimals(std::span<const double> values, DecimalPlan* best) {
  best->bytes = SIZE_MAX;
  const size_t allowed = 2 + values.size() / 8;
  std::array<uint32_t, kMaxExponent + 2> counts;
  if (!CountExponents(values, allowed, &counts)) return;
  int highest = kMaxExponent;
  while (highest > 0 && counts[static_cast<size_t>(highest)] == 0) --highest;
  TryExponent(values, highest, allowed, best);
  // A few values with more digits than the others are cheaper as exceptions.
  size_t beyond = counts[kMaxExponent + 1];
  int lower = highest;
  while (lower > 0 && beyond + counts[static_cast<size_t>(lower)] <= 1 + values.size() / 32) {
    beyond += counts[static_cast<size_t>(lower--)];
  }
  if (lower != highest) TryExponent(values, lower, allowed, best);
}

void WriteExceptions(const Exceptions& exceptions, std::string* out) {
  PutVarint(out, exceptions.positions.size());
  uint32_t next = 0;
  for (size_t i = 0; i < exceptions.positions.size(); ++i) {
    PutVarint(out, exceptions.positions[i] - next);
    next = exceptions.positions[i] + 1;
    const uint8_t code = CodeOf(exceptions.values[i]);
    PutU8(out, code);
    if (code == kRawBits) PutDouble(out, exceptions.values[i]);
  }
}

void WriteDecimals(const DecimalPlan& plan, std::string* out) {
  const bool exceptions = !plan.exceptions.positions.empty();
  PutU8(out, static_cast<uint8_t>(kDecimals | (exceptions ? kExceptionsFlag : 0)));
  PutU8(out, static_cast<uint8_t>(plan.exponent));
  if (exceptions) WriteExceptions(plan.exceptions, out);
  WriteIntegers(plan.integers, out);
}

void WriteConstant(double value, std::string* out) {
  int64_t m;
  int e = 0;
  while (e <= kMaxExponent && !ToDecimal(value, e, &m)) ++e;
  if (e > kMaxExponent || std::bit_width(ZigZag(m)) > 48) {
    PutU8(out, kConstantRaw);
    PutDouble(out, value);
  } else if (e == 0 && m >= 0 && m < 16) {
    PutU8(out, static_cast<uint8_t>(kSmallConstant | (m << 4)));
  } else {
    PutU8(out, kConstantDecimal);
    PutU8(out, static_cast<uint8_t>(e));
    PutSignedVarint(out, m);
  }
}

double FromDecimal(int64_t m, unsigned exponent) {
  return exponent == 0 ? static_cast<double>(m) : static_cast<double>(m) / kPow10[exponent];
}

bool ReadConstant(ByteReader* in, uint8_t head, double* value) {
  switch (head & kFormMask) {
    case kSmallConstant:
      *value = head >> 4;
      return true;
    case kConstantRaw:
      *value = in->Double();
      return in->ok();
    case kConstantDecimal: {
      const unsigned exponent = in->U8();
      const int64_t m = in->SignedVarint();
      if (!in->ok() || exponent > kMaxExponent) return in->Fail(), false;
      *value = FromDecimal(m, exponent);
      return true;
    }
    default:
      return false;
  }
}

// Calls visit(position, value) for each; false when they do not decode.
template <typename Visit>
bool ReadExceptions(ByteReader* in, size_t count, Visit visit) {
  const uint64_t entries = in->Varint();
  if (entries > count) return in->Fail(), false;
  uint64_t next = 0;
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t gap = in->Varint();
    if (gap >= count || next + gap >= count) return in->Fail(), false;
    next += gap;
    double value = 0;
    switch (in->U8()) {
      case kRawBits:
        value = in->Double();
        break;
      case kStale:
        value = StaleNan();
        break;
      case kNaN:
        value = NormalNan();
        break;
      case kMinusZero:
        value = -0.0;
        break;
      case kInf:
        value = std::numeric_limits<double>::infinity();
        break;
      case kMinusInf:
        value = -std::numeric_limits<double>::infinity();
        break;
      default:
        in->Fail();
    }
    if (!in->ok()) return false;
    visit(next++, value);
  }
  return true;
}

const packed_internal::ConvertFn kConvertSmall = packed_internal::HasAvx2()
                                                     ? packed_internal::ConvertSmallAvx2
                                                     : packed_internal::ConvertSmallPortable;

bool ReadDecimals(ByteReader* in, uint8_t head, size_t count, double* out) {
  const unsigned exponent = in->U8();
  if (exponent > kMaxExponent) return in->Fail(), false;
  ByteReader exceptions = *in;
  const bool has_exceptions = (head & kExceptionsFlag) != 0;
  if (has_exceptions && !ReadExceptions(in, count, [](uint64_t, double) {})) return false;
  IntegerReader integers;
  if (!integers.Init(in, count)) return false;
  int64_t mantissas[kMiniblock];
  double converted[kMiniblock];
  const double divisor = kPow10[exponent];
  for (size_t at = 0, got; (got = integers.Next(mantissas)) != 0; at += got) {
    const bool whole = count - at >= kMiniblock;
    double* to = whole ? out + at : converted;
    if (integers.small()) {
      kConvertSmall(mantissas, got, divisor, to);
    } else {
      for (size_t i = 0; i < got; ++i) to[i] = FromDecimal(mantissas[i], exponent);
    }
    if (!whole) std::copy_n(converted, got, out + at);
  }
  if (!has_exceptions) return true;
  return ReadExceptions(&exceptions, count, [out](uint64_t i, double v) { out[i] = v; });
}

bool ReadBits(ByteReader* in, size_t count, double* out) {
  IntegerReader integers;
  if (!integers.Init(in, count)) return false;
  int64_t bits[kMiniblock];
  for (size_t at = 0, got; (got = integers.Next(bits)) != 0; at += got) {
    std::memcpy(out + at, bits, got * sizeof(double));
  }
  return true;
}

}  // namespace

void EncodeValues(std::span<const double> values, std::string* out) {
  const auto same = [&](double v) { return BitsOf(v) == BitsOf(values[0]); };
  if (values.empty() || std::all_of(values.begin(), values.end(), same)) {
    return WriteConstant(values.empty() ? 0 : values[0], out);
  }
  thread_local DecimalPlan decimals;
  PlanDecimals(values, &decimals);
  // Below 4 bytes a value the bit patterns cannot win but for freak cases.
  if (decimals.bytes <= 4 * values.size()) return WriteDecimals(decimals, out);
  thread_local IntegerPlan bits;
  thread_local std::vector<int64_t> patterns;
  patterns.resize(values.size());
  std::memcpy(patterns.data(), values.data(), values.size_bytes());
  PlanIntegers(patterns, true, &bits);
  if (decimals.bytes <= bits.bytes) return WriteDecimals(decimals, out);
  PutU8(out, kBits);
  WriteIntegers(bits, out);
}

bool DecodeValues(ByteReader* in, size_t count, double* out) {
  if (count > kMaxColumn) return in->Fail(), false;
  const uint8_t head = in->U8();
  if (!in->ok()) return false;
  double constant;
  switch (head & kFormMask) {
    case kDecimals:
      return ReadDecimals(in, head, count, out);
    case kBits:
      return ReadBits(in, count, out);
    default:
      if (!ReadConstant(in, head, &constant)) return in->Fail(), false;
      std::fill_n(out, count, constant);
      return true;
  }
}

bool SkipValues(ByteReader* in, size_t count) {
  if (count > kMaxColumn) return in->Fail(), false;
  const uint8_t head = in->U8();
  if (!in->ok()) return false;
  IntegerReader integers;
  double constant;
  switch (head & kFormMask) {
    case kDecimals:
      in->U8();
      if ((head & kExceptionsFlag) && !ReadExceptions(in, count, [](uint64_t, double) {}))
        return false;
      return integers.Init(in, count);
    case kBits:
      return integers.Init(in, count);
    default:
      return ReadConstant(in, head, &constant) || (in->Fail(), false);
  }
}

bool ConstantValue(ByteReader in, double* value) {
  const uint8_t head = in.U8();
  return in.ok() && ReadConstant(&in, head, value);
}

void EncodeIntegers(std::span<const int64_t> values, std::string* out) {
  thread_local IntegerPlan plan;
  PlanIntegers(values, false, &plan);
  WriteIntegers(plan, out);
}

bool DecodeIntegers(ByteReader* in, size_t count, int64_t* out) {
  if (count > kMaxColumn) return in->Fail(), false;
  IntegerReader integers;
  if (!integers.Init(in, count)) return false;
  int64_t part[kMiniblock];
  for (size_t at = 0, got; (got = integers.Next(part)) != 0; at += got) {
    std::copy_n(part, got, out + at);
  }
  return true;
}

}  // namespace deucalion::tsdb
