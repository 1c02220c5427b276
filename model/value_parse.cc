// Decimal text to double. Scraped values are mostly short: up to 19 digits and a small exponent.
// When the digits fit 2^53 and the power of ten is exact (up to 10^22), one multiplication or
// division of two exact doubles is correctly rounded, so the general algorithm is not needed.
#include <charconv>
#include <cstdlib>
#include <string>

#include "model/value.h"

namespace deucalion {
namespace {

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr uint64_t kTwo53 = 1ull << 53;

enum class Outcome { kOk, kSyntax, kRange };

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool EqualsIgnoreCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); i++) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

// The unsigned part of something that starts with a letter.
bool ParseSpecial(std::string_view text, bool has_sign, double* out) {
  if (EqualsIgnoreCase(text, "inf") || EqualsIgnoreCase(text, "infinity")) {
    *out = std::numeric_limits<double>::infinity();
    return true;
  }
  if (has_sign || !EqualsIgnoreCase(text, "nan")) return false;
  *out = NormalNan();
  return true;
}

// `text` starts with a digit or a point. What from_chars calls out of range is either: too large
// (an error) or so small that it rounds to zero or a denormal, which Go returns silently.
Outcome ParseGeneral(std::string_view text, double* out) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, *out);
  if (result.ec == std::errc::invalid_argument || result.ptr != end) return Outcome::kSyntax;
  if (result.ec == std::errc()) return Outcome::kOk;
  *out = std::strtod(std::string(text).c_str(), nullptr);
  return *out > 1 ? Outcome::kRange : Outcome::kOk;
}

// Digits with at most one point and no exponent, short enough to be exact.
bool ParseShort(const char* p, const char* end, double* out) {
  if (end - p > 17) return false;
  uint64_t mantissa = 0;
  int decimals = 0;
  const char* const begin = p;
  for (; p != end && IsDigit(*p); p++) mantissa = mantissa * 10 + static_cast<uint64_t>(*p - '0');
  ptrdiff_t digits = p - begin;
  if (p != end && *p == '.') {
    const char* const fraction = ++p;
    for (; p != end && IsDigit(*p); p++) mantissa = mantissa * 10 + static_cast<uint64_t>(*p - '0');
    decimals = static_cast<int>(p - fraction);
    digits += decimals;
  }
  if (p != end || digits == 0 || mantissa > kTwo53) return false;
  *out = static_cast<double>(mantissa) / kPowersOfTen[decimals];
  return true;
}

Outcome Parse(std::string_view text, double* out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  if (p == end) return Outcome::kSyntax;
  const bool negative = *p == '-';
  const bool has_sign = negative || *p == '+';
  if (has_sign && ++p == end) return Outcome::kSyntax;
  Outcome outcome = Outcome::kOk;
  if (!ParseShort(p, end, out)) {
    const std::string_view rest(p, static_cast<size_t>(end - p));
    if (IsDigit(*p) || *p == '.') {
      outcome = ParseGeneral(rest, out);
    } else if (!ParseSpecial(rest, has_sign, out)) {
      outcome = Outcome::kSyntax;
    }
  }
  if (negative) *out = -*out;
  return outcome;
}

}  // namespace

bool ParseFloatFast(std::string_view text, double* out) { return Parse(text, out) == Outcome::kOk; }

Result<double> ParseFloat(std::string_view text) {
  double value = 0;
  const Outcome outcome = Parse(text, &value);
  if (outcome == Outcome::kOk) return value;
  return InvalidArgumentError(
      "strconv.ParseFloat: parsing " + GoQuote(text) +
      (outcome == Outcome::kRange ? ": value out of range" : ": invalid syntax"));
}

}  // namespace deucalion
