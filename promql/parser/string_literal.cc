#include "promql/parser/string_literal.h"

#include <cstdint>
#include <cstdio>

#include "model/utf8.h"
#include "model/value.h"

namespace deucalion::promql {
namespace {

constexpr char32_t kMaxRune = 0x10FFFF;
constexpr char32_t kReplacementRune = 0xFFFD;

// The numeric escapes: how many digits of which base, and the largest value.
struct NumericEscape {
  int digits = 0;
  uint32_t base = 0;
  uint32_t max = 0;
  bool has_letter = false;  // x, u or U precedes the digits
};

NumericEscape NumericEscapeOf(char c) {
  switch (c) {
    case 'x':
      return {2, 16, 255, true};
    case 'u':
      return {4, 16, kMaxRune, true};
    case 'U':
      return {8, 16, kMaxRune, true};
    default:
      return c >= '0' && c <= '7' ? NumericEscape{3, 8, 255, false} : NumericEscape{};
  }
}

// -1 when `c` is no escape of one letter.
int SimpleEscape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
      return '\\';
    default:
      return -1;
  }
}

uint32_t DigitValue(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A' + 10);
  return 16;
}

// Go's %#U: U+0063 'c'.
std::string DescribeRune(std::string_view text) {
  const Utf8Rune r = DecodeUtf8(text);
  const char32_t rune = r.valid ? r.rune : kReplacementRune;
  char code[16];
  std::snprintf(code, sizeof code, "U+%04X", static_cast<unsigned>(rune));
  std::string out = code;
  if (IsPrintable(rune)) {
    out += " '";
    AppendUtf8(&out, rune);
    out += "'";
  }
  return out;
}

// Checks the escape after the backslash at text[at - 1]. Returns its bytes, 0 with *error set.
size_t CheckEscape(std::string_view text, size_t at, char quote, std::string* error) {
  if (at >= text.size()) {
    *error = "escape sequence not terminated";
    return 0;
  }
  const char c = text[at];
  if (SimpleEscape(c) >= 0 || c == quote) return 1;
  const NumericEscape n = NumericEscapeOf(c);
  if (n.digits == 0) {
    *error = "unknown escape sequence " + DescribeRune(text.substr(at));
    return 0;
  }
  size_t p = at + (n.has_letter ? 1 : 0);
  uint32_t value = 0;
  for (int i = 0; i < n.digits; ++i, ++p) {
    if (p >= text.size()) {
      *error = "escape sequence not terminated";
      return 0;
    }
    const uint32_t d = DigitValue(text[p]);
    if (d >= n.base) {
      *error = "illegal character " + DescribeRune(text.substr(p)) + " in escape sequence";
      return 0;
    }
    value = value * n.base + d;
  }
  if (value > n.max || (value >= 0xD800 && value < 0xE000)) {
    *error = "escape sequence is an invalid Unicode code point";
    return 0;
  }
  return p - at;
}

StringScan ScanRaw(std::string_view text) {
  for (size_t p = 1; p < text.size();) {
    if (text[p] == '`') return {p + 1, ""};
    const Utf8Rune r = DecodeUtf8(text.substr(p));
    if (!r.valid || r.rune == kReplacementRune) return {0, "invalid UTF-8 rune"};
    p += r.size;
  }
  return {0, "unterminated raw string"};
}

}  // namespace

StringScan ScanString(std::string_view text) {
  const char quote = text[0];
  if (quote == '`') return ScanRaw(text);
  for (size_t p = 1; p < text.size();) {
    if (text[p] == quote) return {p + 1, ""};
    if (text[p] == '\n') break;
    if (text[p] == '\\') {
      std::string error;
      const size_t n = CheckEscape(text, p + 1, quote, &error);
      if (n == 0) return {0, error};
      p += 1 + n;
      continue;
    }
    const Utf8Rune r = DecodeUtf8(text.substr(p));
    if (!r.valid || r.rune == kReplacementRune) return {0, "invalid UTF-8 rune"};
    p += r.size;
  }
  return {0, "unterminated quoted string"};
}

std::string UnquoteString(std::string_view literal) {
  const char quote = literal[0];
  const std::string_view body = literal.substr(1, literal.size() - 2);
  if (quote == '`') return std::string(body);
  std::string out;
  out.reserve(body.size());
  for (size_t p = 0; p < body.size(); ++p) {
    if (body[p] != '\\') {
      out += body[p];
      continue;
    }
    const char c = body[++p];
    const NumericEscape n = NumericEscapeOf(c);
    if (n.digits == 0) {
      out += c == quote ? quote : static_cast<char>(SimpleEscape(c));
      continue;
    }
    uint32_t value = 0;
    if (n.has_letter) ++p;
    for (int i = 0; i < n.digits; ++i) value = value * n.base + DigitValue(body[p + i]);
    p += n.digits - 1;
    if (n.max == 255) {
      out += static_cast<char>(value);
    } else {
      AppendUtf8(&out, value);
    }
  }
  return out;
}

std::string QuoteRune(char32_t rune) {
  if (rune == '\'') return "'\\''";
  if (rune == '"') return "'\"'";
  std::string text;
  AppendUtf8(&text, rune);
  std::string quoted = GoQuote(text);
  quoted.front() = '\'';
  quoted.back() = '\'';
  return quoted;
}

}  // namespace deucalion::promql
