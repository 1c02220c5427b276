// Floats as Go's strconv prints them: always the shortest digits that read back as the same double.
//
// Most values in a response are integers or have up to three decimals. Those never reach the
// shortest- digits algorithm: at most 15 decimal digits determine a double uniquely, so when v*1000
// is a whole number n below 1e15 and n/1000 is v again, the digits of n are the answer (four times
// as fast as to_chars). From 2^53 upwards to_chars' fixed form prints exact digits where Go pads
// the shortest ones with zeros, so there the scientific form is laid out by hand.
#include <charconv>
#include <cmath>
#include <cstring>

#include "model/value.h"

namespace deucalion {
namespace {

constexpr double kTwo53 = 9007199254740992.0;
// The smallest denormal in fixed form has 326 characters.
constexpr size_t kFixedBytes = 400;

// False when `v` is finite.
bool AppendNotFinite(std::string* out, double v) {
  if (std::isfinite(v)) return false;
  out->append(std::isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
  return true;
}

constexpr char kPairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "474"
    "8495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949"
    "596"
    "979899";

// Writes `n` so that it ends before `end`; returns its first digit.
char* WriteDigitsBackwards(char* end, uint64_t n) {
  while (n >= 100) {
    end -= 2;
    std::memcpy(end, kPairs + 2 * (n % 100), 2);
    n /= 100;
  }
  if (n >= 10) {
    end -= 2;
    std::memcpy(end, kPairs + 2 * n, 2);
  } else {
    *--end = static_cast<char>('0' + n);
  }
  return end;
}

// Writes milli/1000 with the zeros at the end left out.
void AppendThousandths(std::string* out, bool negative, uint64_t milli) {
  char buf[32];
  char* const end = buf + sizeof(buf);
  char* tail = end;
  const uint64_t whole = milli / 1000;
  uint64_t fraction = milli % 1000;
  if (fraction != 0) {
    int digits = 3;
    while (fraction % 10 == 0) {
      fraction /= 10;
      digits--;
    }
    for (; digits > 0; digits--, fraction /= 10) *--tail = static_cast<char>('0' + fraction % 10);
    *--tail = '.';
  }
  tail = WriteDigitsBackwards(tail, whole);
  if (negative) *--tail = '-';
  out->append(tail, static_cast<size_t>(end - tail));
}

// Digits of the shortest scientific form and the position of the decimal point.
struct Digits {
  char digits[24];
  int count = 0;
  int point = 0;  // value = 0.DIGITS * 10^point
};

Digits Shortest(double magnitude) {
  char buf[40];
  const auto end = std::to_chars(buf, buf + sizeof(buf), magnitude, std::chars_format::scientific);
  Digits d;
  const char* p = buf;
  for (; *p != 'e'; p++) {
    if (*p != '.') d.digits[d.count++] = *p;
  }
  int exponent = 0;
  const bool negative = p[1] == '-';
  for (p += 2; p != end.ptr; p++) exponent = exponent * 10 + (*p - '0');
  d.point = (negative ? -exponent : exponent) + 1;
  return d;
}

void AppendLargeFixed(std::string* out, double v) {
  const Digits d = Shortest(std::fabs(v));
  if (v < 0) out->push_back('-');
  out->append(d.digits, static_cast<size_t>(d.count));
  out->append(static_cast<size_t>(d.point - d.count), '0');
}

}  // namespace

void AppendFloatF(std::string* out, double v) {
  const double magnitude = std::fabs(v);
  if (magnitude < 1e12) {
    const double scaled = magnitude * 1000;
    const auto milli = static_cast<uint64_t>(scaled);
    if (static_cast<double>(milli) == scaled && static_cast<double>(milli) / 1000 == magnitude) {
      return AppendThousandths(out, std::signbit(v), milli);
    }
  } else if (magnitude >= kTwo53) {
    if (!AppendNotFinite(out, v)) AppendLargeFixed(out, v);
    return;
  }
  if (AppendNotFinite(out, v)) return;
  char buf[kFixedBytes];
  const auto end = std::to_chars(buf, buf + sizeof(buf), v, std::chars_format::fixed);
  out->append(buf, static_cast<size_t>(end.ptr - buf));
}

void AppendFloatE(std::string* out, double v) {
  if (AppendNotFinite(out, v)) return;
  char buf[40];
  const auto end = std::to_chars(buf, buf + sizeof(buf), v, std::chars_format::scientific);
  out->append(buf, static_cast<size_t>(end.ptr - buf));
}

void AppendFloatG(std::string* out, double v) {
  const double magnitude = std::fabs(v);
  // Rounding to shortest digits never crosses a power of ten, so the value's own size decides.
  if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e6)) return AppendFloatF(out, v);
  AppendFloatE(out, v);
}

void AppendFloatJson(std::string* out, double v) {
  const double magnitude = std::fabs(v);
  if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) return AppendFloatE(out, v);
  AppendFloatF(out, v);
}

std::string FormatFloatF(double v) {
  std::string out;
  AppendFloatF(&out, v);
  return out;
}

std::string FormatFloatG(double v) {
  std::string out;
  AppendFloatG(&out, v);
  return out;
}

std::string FormatFloatE(double v) {
  std::string out;
  AppendFloatE(&out, v);
  return out;
}

void AppendTimestampSeconds(std::string* out, int64_t ms) {
  // Negated as unsigned: the smallest int64 has no positive twin.
  const uint64_t magnitude = ms < 0 ? 0 - static_cast<uint64_t>(ms) : static_cast<uint64_t>(ms);
  char buf[32];
  char* const end = buf + sizeof(buf);
  char* p = end;
  uint64_t fraction = magnitude % 1000;
  if (fraction != 0) {
    for (int i = 0; i < 3; i++, fraction /= 10) *--p = static_cast<char>('0' + fraction % 10);
    *--p = '.';
  }
  p = WriteDigitsBackwards(p, magnitude / 1000);
  if (ms < 0) *--p = '-';
  out->append(p, static_cast<size_t>(end - p));
}

}  // namespace deucalion
