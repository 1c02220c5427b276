// UTF-8, decoded as Go does: a byte that does not start a valid sequence stands alone.
#ifndef DEUCALION_MODEL_UTF8_H_
#define DEUCALION_MODEL_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace deucalion {

struct Utf8Rune {
  char32_t rune = 0;
  uint8_t size = 0;  // 0: `text` was empty
  bool valid = false;
};

// The first rune of `text`. Overlong forms, surrogates and values above U+10FFFF are not valid and
// one byte long.
Utf8Rune DecodeUtf8(std::string_view text);
void AppendUtf8(std::string* out, char32_t rune);
// Go's strconv.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.
bool IsPrintable(char32_t rune);

}  // namespace deucalion

#endif  // DEUCALION_MODEL_UTF8_H_
