#include "model/duration.h"

#include <array>
#include <charconv>

#include "model/value.h"

namespace deucalion {
namespace {

constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kMaxDurationNs =
    (1ull << 63) - 1;  // Go counts in int64 nanoseconds, so do its limits

struct Unit {
  std::string_view text;
  int64_t ms;
  bool only_exact;  // printed only when nothing remains: 90d reads better than 12w6d
};

// Descending: the order in which they may appear.
constexpr std::array<Unit, 7> kUnits = {{{"y", 365ll * 24 * 3600 * 1000, true},
                                         {"w", 7ll * 24 * 3600 * 1000, true},
                                         {"d", 24ll * 3600 * 1000, false},
                                         {"h", 3600ll * 1000, false},
                                         {"m", 60ll * 1000, false},
                                         {"s", 1000, false},
                                         {"ms", 1, false}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t LeadingDigits(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && IsDigit(text[n])) n++;
  return n;
}

size_t LeadingNonDigits(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && !IsDigit(text[n])) n++;
  return n;
}

// Index into kUnits, or its size.
size_t FindUnit(std::string_view text) {
  size_t i = 0;
  while (i < kUnits.size() && kUnits[i].text != text) i++;
  return i;
}

Status NotADuration(std::string_view text) {
  return InvalidArgumentError("not a valid duration string: " + GoQuote(text));
}

}  // namespace

Result<int64_t> ParseDuration(std::string_view text) {
  if (text.empty()) return InvalidArgumentError("empty duration string");
  if (text == "0") return int64_t{0};
  const Status out_of_range = InvalidArgumentError("duration out of range");
  uint64_t total_ns = 0;
  size_t next_unit = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t digits = LeadingDigits(rest);
    uint64_t count = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + digits, count);
    if (digits == 0 || parsed.ec != std::errc()) return NotADuration(text);
    rest.remove_prefix(digits);
    const std::string_view unit_text = rest.substr(0, LeadingNonDigits(rest));
    if (unit_text.empty()) return NotADuration(text);
    rest.remove_prefix(unit_text.size());
    const size_t unit = FindUnit(unit_text);
    if (unit == kUnits.size()) {
      return InvalidArgumentError("unknown unit " + GoQuote(unit_text) + " in duration " +
                                  GoQuote(text));
    }
    if (unit < next_unit) return NotADuration(text);
    next_unit = unit + 1;
    const uint64_t unit_ns = static_cast<uint64_t>(kUnits[unit].ms) * kNsPerMs;
    if (count > (1ull << 63) / unit_ns) return out_of_range;
    total_ns += count * unit_ns;  // both below 2^63 + one unit: no wrap
    if (total_ns > kMaxDurationNs) return out_of_range;
  }
  return static_cast<int64_t>(total_ns / kNsPerMs);
}

std::string FormatDuration(int64_t ms) {
  if (ms == 0) return "0s";
  std::string out;
  uint64_t left = static_cast<uint64_t>(ms);
  if (ms < 0) {
    out.push_back('-');
    left = 0 - left;
  }
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<uint64_t>(unit.ms);
    if (left < size || (unit.only_exact && left % size != 0)) continue;
    out.append(std::to_string(left / size)).append(unit.text);
    left %= size;
  }
  return out;
}

namespace {

// `whole` and `fraction`/`base` as a decimal, zeros at the end left out.
void AppendDecimal(std::string* out, uint64_t whole, uint64_t fraction, uint64_t base) {
  out->append(std::to_string(whole));
  if (fraction == 0) return;
  std::string digits = std::to_string(base + fraction).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  out->append(".").append(digits);
}

}  // namespace

std::string FormatGoDuration(int64_t ns) {
  if (ns == 0) return "0s";
  std::string out;
  uint64_t left = static_cast<uint64_t>(ns);
  if (ns < 0) {
    out.push_back('-');
    left = 0 - left;
  }
  if (left < 1000) return out.append(std::to_string(left)).append("ns");
  if (left < 1'000'000) {
    AppendDecimal(&out, left / 1000, left % 1000, 1000);
    return out.append("µs");
  }
  if (left < 1'000'000'000) {
    AppendDecimal(&out, left / 1'000'000, left % 1'000'000, 1'000'000);
    return out.append("ms");
  }
  const uint64_t seconds = left / 1'000'000'000;
  if (seconds >= 3600) out.append(std::to_string(seconds / 3600)).append("h");
  if (seconds >= 60) out.append(std::to_string(seconds / 60 % 60)).append("m");
  AppendDecimal(&out, seconds % 60, left % 1'000'000'000, 1'000'000'000);
  return out.append("s");
}

}  // namespace deucalion
