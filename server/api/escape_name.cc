#include "server/api/escape_name.h"

#include <charconv>
#include <cstdint>
#include <cstdio>

#include "model/labels.h"
#include "model/utf8.h"

namespace deucalion::api {
namespace {

void AppendUtf8(std::string* out, uint32_t c) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out->push_back(static_cast<char>(0xc0 | c >> 6));
    out->push_back(static_cast<char>(0x80 | (c & 63)));
  } else if (c < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | c >> 12));
    out->push_back(static_cast<char>(0x80 | (c >> 6 & 63)));
    out->push_back(static_cast<char>(0x80 | (c & 63)));
  } else {
    out->push_back(static_cast<char>(0xf0 | c >> 18));
    out->push_back(static_cast<char>(0x80 | (c >> 12 & 63)));
    out->push_back(static_cast<char>(0x80 | (c >> 6 & 63)));
    out->push_back(static_cast<char>(0x80 | (c & 63)));
  }
}

}  // namespace

std::string UnescapeName(std::string_view name) {
  std::string_view rest = name;
  if (!rest.starts_with("U__")) return std::string(name);
  rest.remove_prefix(3);
  std::string out;
  while (!rest.empty()) {
    if (rest[0] != '_') {
      out.push_back(rest[0]);
      rest.remove_prefix(1);
      continue;
    }
    if (rest.starts_with("__")) {
      out.push_back('_');
      rest.remove_prefix(2);
      continue;
    }
    const size_t end = rest.find('_', 1);
    // Upstream reads five digits, though a few code points have six.
    if (end == std::string_view::npos || end > 6) return std::string(name);
    uint32_t c = 0;
    const auto r = std::from_chars(rest.data() + 1, rest.data() + end, c, 16);
    if (r.ec != std::errc() || r.ptr != rest.data() + end || c > 0x10ffff ||
        (c >= 0xd800 && c < 0xe000)) {
      return std::string(name);
    }
    AppendUtf8(&out, c);
    rest.remove_prefix(end + 1);
  }
  return out;
}

std::string EscapeName(std::string_view name, http::NameEscaping escaping, bool colons) {
  using http::NameEscaping;
  const bool legacy = colons ? IsLegacyMetricName(name) : IsLegacyLabelName(name);
  if (escaping == NameEscaping::kAllowUtf8 || (legacy && escaping != NameEscaping::kDots)) {
    return std::string(name);
  }
  std::string out = escaping == NameEscaping::kValues ? "U__" : "";
  for (std::string_view rest = name; !rest.empty();) {
    const Utf8Rune rune = DecodeUtf8(rest);
    const char c = rest[0];
    const bool letter = rune.size == 1 && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                           c == '_' || (colons && c == ':') ||
                                           (rest.size() < name.size() && c >= '0' && c <= '9'));
    rest.remove_prefix(rune.size);
    if (c == '_' && escaping != NameEscaping::kUnderscores) {
      out += "__";
    } else if (c == '.' && escaping == NameEscaping::kDots) {
      out += "_dot_";
    } else if (letter) {
      out.push_back(c);
    } else if (escaping == NameEscaping::kValues) {
      char code[16];
      std::snprintf(code, sizeof code, "_%x_", static_cast<unsigned>(rune.rune));
      out += rune.valid ? code : "_FFFD_";
    } else {
      out += escaping == NameEscaping::kDots ? "__" : "_";
    }
  }
  return out;
}

}  // namespace deucalion::api
