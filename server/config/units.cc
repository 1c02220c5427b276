#include "server/config/units.h"

#include <algorithm>
#include <cmath>

#include "model/value.h"

namespace deucalion::config {
namespace {

constexpr std::string_view kPrefixes = "KMGTPE";

struct Number {
  double value = 0;
  size_t used = 0;  // 0: no number here
  bool digits = false;
};

// [0-9]*(\.[0-9]*)? at the front of `text`. Whole parts beyond int64 do not count as a number.
Number LeadingNumber(std::string_view text) {
  Number n;
  while (n.used < text.size() && text[n.used] >= '0' && text[n.used] <= '9') {
    n.value = n.value * 10 + (text[n.used++] - '0');
    n.digits = true;
  }
  if (n.value >= 9223372036854775808.0) return Number();
  if (n.used < text.size() && text[n.used] == '.') {
    double scale = 1;
    for (++n.used; n.used < text.size() && text[n.used] >= '0' && text[n.used] <= '9'; ++n.used) {
      scale /= 10;
      n.value += (text[n.used] - '0') * scale;
      n.digits = true;
    }
  }
  return n;
}

// `suffix` is "iB" or "B". 0: no such unit.
double UnitFactor(std::string_view unit, std::string_view suffix) {
  if (unit == "B") return 1;
  if (unit.empty() || unit.substr(1) != suffix) return 0;
  const size_t power = kPrefixes.find(unit[0]);
  return power == std::string_view::npos ? 0 : std::ldexp(1.0, 10 * (static_cast<int>(power) + 1));
}

Result<int64_t> ParseWithSuffix(std::string_view text, std::string_view suffix) {
  const Status invalid = InvalidArgumentError("units: invalid " + std::string(text));
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return int64_t{0};
  if (rest.empty()) return invalid;
  double total = 0;
  while (!rest.empty()) {
    const Number number = LeadingNumber(rest);
    if (!number.digits) return invalid;
    rest.remove_prefix(number.used);
    const size_t end = std::min(rest.find_first_of(".0123456789"), rest.size());
    const std::string_view unit = rest.substr(0, end);
    const double factor = UnitFactor(unit, suffix);
    if (factor == 0) {
      return InvalidArgumentError("units: unknown unit " + std::string(unit) + " in " +
                                  std::string(text));
    }
    total += number.value * factor;
    rest.remove_prefix(end);
  }
  if (negative) total = -total;
  if (!(std::abs(total) < 9223372036854775808.0)) {
    return InvalidArgumentError("units: overflow parsing unit");
  }
  return static_cast<int64_t>(total);
}

double GoDurationFactor(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\xC2\xB5s" || unit == "\xCE\xBCs") return 1e3;
  if (unit == "ms") return 1e6;
  if (unit == "s") return 1e9;
  if (unit == "m") return 60e9;
  if (unit == "h") return 3600e9;
  return 0;
}

}  // namespace

Result<int64_t> ParseBytes(std::string_view text) {
  Result<int64_t> binary = ParseWithSuffix(text, "iB");
  return binary.ok() ? std::move(binary) : ParseWithSuffix(text, "B");
}

std::string FormatBytes(int64_t bytes) {
  if (bytes == 0) return "0B";
  std::string out;
  int64_t rest = bytes;
  for (int power = 0; rest != 0; ++power) {
    // The largest prefix takes all that is left.
    const int64_t part = power == 6 ? rest : rest % 1024;
    rest = power == 6 ? 0 : rest / 1024;
    if (part == 0) continue;
    std::string piece = std::to_string(part);
    if (power > 0) piece += {kPrefixes[power - 1], 'i'};
    out = piece + "B" + out;
  }
  return out;
}

Result<int64_t> ParseGoDuration(std::string_view text) {
  const Status invalid = InvalidArgumentError("time: invalid duration " + GoQuote(text));
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return int64_t{0};
  if (rest.empty()) return invalid;
  double total = 0;
  while (!rest.empty()) {
    const Number number = LeadingNumber(rest);
    if (!number.digits) return invalid;
    rest.remove_prefix(number.used);
    const size_t end = std::min(rest.find_first_of(".0123456789"), rest.size());
    const std::string_view unit = rest.substr(0, end);
    if (unit.empty()) {
      return InvalidArgumentError("time: missing unit in duration " + GoQuote(text));
    }
    const double factor = GoDurationFactor(unit);
    if (factor == 0) {
      return InvalidArgumentError("time: unknown unit " + GoQuote(unit) + " in duration " +
                                  GoQuote(text));
    }
    total += number.value * factor;
    rest.remove_prefix(end);
  }
  if (!(total < 9223372036854775808.0)) return invalid;
  const int64_t ns = static_cast<int64_t>(std::llround(total));
  return negative ? -ns : ns;
}

}  // namespace deucalion::config
