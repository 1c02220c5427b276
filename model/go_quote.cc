#include "model/utf8.h"
#include "model/value.h"

namespace deucalion {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void AppendHex(std::string* out, uint32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out->push_back(kHex[(value >> shift) & 0xf]);
  }
}

// '\0' when `c` has no short escape.
char ShortEscape(char32_t c) {
  switch (c) {
    case '\a':
      return 'a';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    case '"':
      return '"';
    case '\\':
      return '\\';
    default:
      return '\0';
  }
}

void AppendEscaped(std::string* out, char32_t rune) {
  out->push_back('\\');
  if (rune < 0x20 || rune == 0x7f) {
    out->push_back('x');
    AppendHex(out, rune, 2);
  } else if (rune < 0x10000) {
    out->push_back('u');
    AppendHex(out, rune, 4);
  } else {
    out->push_back('U');
    AppendHex(out, rune, 8);
  }
}

}  // namespace

std::string GoQuote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  out.push_back('"');
  while (!text.empty()) {
    const Utf8Rune rune = DecodeUtf8(text);
    if (!rune.valid) {
      out.append("\\x");
      AppendHex(&out, static_cast<uint8_t>(text[0]), 2);
    } else if (const char escape = ShortEscape(rune.rune)) {
      out.push_back('\\');
      out.push_back(escape);
    } else if (IsPrintable(rune.rune)) {
      out.append(text.substr(0, rune.size));
    } else {
      AppendEscaped(&out, rune.rune);
    }
    text.remove_prefix(rune.size);
  }
  out.push_back('"');
  return out;
}

}  // namespace deucalion
