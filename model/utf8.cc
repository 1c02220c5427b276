#include "model/utf8.h"

#include "model/labels.h"

namespace deucalion {
namespace {

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

bool IsLegacyName(std::string_view name, bool colon) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || (colon && c == ':');
    if (!ok) return false;
  }
  return true;
}

}  // namespace

Utf8Rune DecodeUtf8(std::string_view text) {
  if (text.empty()) return {};
  const auto b0 = static_cast<uint8_t>(text[0]);
  if (b0 < 0x80) return {b0, 1, true};
  constexpr Utf8Rune kBad{0xfffd, 1, false};
  const int size = b0 >= 0xf0 ? 4 : b0 >= 0xe0 ? 3 : 2;
  if (b0 < 0xc2 || b0 > 0xf4 || text.size() < static_cast<size_t>(size)) return kBad;
  char32_t rune = b0 & (0x7f >> size);
  for (int i = 1; i < size; i++) {
    if (!IsContinuation(text[i])) return kBad;
    rune = (rune << 6) | (static_cast<uint8_t>(text[i]) & 0x3f);
  }
  const bool overlong = (size == 3 && rune < 0x800) || (size == 4 && rune < 0x10000);
  const bool surrogate = rune >= 0xd800 && rune <= 0xdfff;
  if (overlong || surrogate || rune > 0x10ffff) return kBad;
  return {rune, static_cast<uint8_t>(size), true};
}

void AppendUtf8(std::string* out, char32_t rune) {
  if (rune < 0x80) {
    out->push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (rune >> 6)));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  } else if (rune < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | (rune >> 12)));
    out->push_back(static_cast<char>(0x80 | ((rune >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  } else {
    out->push_back(static_cast<char>(0xf0 | (rune >> 18)));
    out->push_back(static_cast<char>(0x80 | ((rune >> 12) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | ((rune >> 6) & 0x3f)));
    out->push_back(static_cast<char>(0x80 | (rune & 0x3f)));
  }
}

bool IsValidUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    if (static_cast<uint8_t>(text[i]) < 0x80) {
      i++;
      continue;
    }
    const Utf8Rune rune = DecodeUtf8(text.substr(i));
    if (!rune.valid) return false;
    i += rune.size;
  }
  return true;
}

bool IsLegacyMetricName(std::string_view name) { return IsLegacyName(name, true); }
bool IsLegacyLabelName(std::string_view name) { return IsLegacyName(name, false); }

}  // namespace deucalion
