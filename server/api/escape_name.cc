#include "server/api/escape_name.h"

#include <charconv>
#include <cstdint>

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
    // Six hex digits reach every code point.
    if (end == std::string_view::npos || end > 7) return std::string(name);
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

}  // namespace deucalion::api
