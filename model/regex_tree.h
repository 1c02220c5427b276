// The part of RE2's syntax that the analysis of patterns understands, as a tree.
#ifndef DEUCALION_MODEL_REGEX_TREE_H_
#define DEUCALION_MODEL_REGEX_TREE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace deucalion {

struct RegexNode {
  enum class Kind {
    kLiteral,    // `text`, case-sensitive; "" matches the empty string
    kConcat,     // children in turn
    kAlternate,  // one of children
    kAnyStar,    // .* with dot matching newline
    kAnyPlus,    // .+
    kDot,        // . with dot matching newline: one rune
    kBegin,      // ^ and \A
    kEnd,        // $ and \z
    kOpaque,     // anything else: may match any text, also none
  };
  Kind kind = Kind::kOpaque;
  std::string text;
  std::vector<RegexNode> children;
};

// `pattern` must be valid UTF-8 that RE2 accepts; anything unexpected becomes kOpaque.
RegexNode ParseRegexTree(std::string_view pattern);

// Bytes of the character class at the front of `text` ("[a-z]": 5), as RE2 delimits it; the rest of
// `text` when it is not closed.
size_t CharClassBytes(std::string_view text);

}  // namespace deucalion

#endif  // DEUCALION_MODEL_REGEX_TREE_H_
