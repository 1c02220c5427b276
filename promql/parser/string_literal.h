// Quoted strings of PromQL: "…" and '…' with Go's escapes, `…` raw.
#ifndef DEUCALION_PROMQL_PARSER_STRING_LITERAL_H_
#define DEUCALION_PROMQL_PARSER_STRING_LITERAL_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace deucalion::promql {

struct StringScan {
  size_t size = 0;    // bytes of the literal, quotes included; 0 when it is broken
  std::string error;  // what is wrong with it, else ""
};

// The literal `text` begins with; its first byte is the quote. Escapes are checked.
StringScan ScanString(std::string_view text);

// What a literal accepted by ScanString stands for. \xNN and octal escapes give single bytes, so
// the value need not be UTF-8.
std::string UnquoteString(std::string_view literal);

// Go's %q of one rune: 'x', '\n', '\''.
std::string QuoteRune(char32_t rune);

}  // namespace deucalion::promql

#endif  // DEUCALION_PROMQL_PARSER_STRING_LITERAL_H_
