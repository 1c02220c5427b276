// Numbers: Go's integer forms first (hex, octal by a leading zero, underscores), then floats.
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "model/duration.h"
#include "model/value.h"
#include "promql/parser/parser_impl.h"

namespace deucalion::promql {
namespace {

using K = TokenKind;

bool IsHex(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

// A signed 64-bit integer in the base its prefix says; nullopt when it is none or too large.
std::optional<double> ParseInteger(std::string_view digits) {
  int base = 10;
  if (IsHex(digits)) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [p, ec] = std::from_chars(digits.data(), end, value, base);
  if (ec != std::errc() || p != end || digits[0] == '-') return std::nullopt;
  return static_cast<double>(value);
}

}  // namespace

std::optional<double> Parser::NumberValue(const Token& t) {
  const std::string_view text = TextOf(t);
  if (t.kind == K::kDuration) {
    Result<int64_t> ms = ParseDuration(text);
    if (ms.ok()) return static_cast<double>(*ms) / 1000;
    Fail(t.span, ms.status().message());
    return std::nullopt;
  }
  std::string digits(text);
  std::erase(digits, '_');
  if (const std::optional<double> integer = ParseInteger(digits)) return integer;
  const std::string failed = "error parsing number: strconv.ParseFloat: parsing " + GoQuote(text);
  char* end = nullptr;
  errno = 0;
  const double value = std::strtod(digits.c_str(), &end);
  if (IsHex(digits) || *end != '\0' || digits.empty()) {
    Fail(t.span, failed + ": invalid syntax");
    return std::nullopt;
  }
  // Too small rounds to zero, as in Go.
  if (errno == ERANGE && std::isinf(value)) {
    Fail(t.span, failed + ": value out of range");
    return std::nullopt;
  }
  return std::isnan(value) ? NormalNan() : value;
}

std::unique_ptr<NumberLiteral> Parser::ParseNumber() {
  const Token t = Take();
  const std::optional<double> value = NumberValue(t);
  if (!value) return nullptr;
  auto e = std::make_unique<NumberLiteral>();
  e->value = *value;
  e->duration = t.kind == K::kDuration;
  e->span = t.span;
  return e;
}

std::optional<double> Parser::ParseSignedNumber() {
  const bool negative = PeekKind() == K::kSub;
  if (negative || PeekKind() == K::kAdd) Take();
  if (PeekKind() != K::kNumber && PeekKind() != K::kDuration) {
    Unexpected();
    return std::nullopt;
  }
  std::optional<double> value = NumberValue(Take());
  if (value && negative) *value = -*value;
  return value;
}

}  // namespace deucalion::promql
