// What a regular expression says without running an automaton.
//
// A glob is literals with gaps between them: "foo", "foo.*", ".*a.+b". Every pattern is covered by
// a small union of globs: whatever the analysis does not understand (character classes,
// repetitions,
// (?i), \b ...) becomes a gap that matches anything. When no such gap was needed the union is the
// pattern itself (`exact`) and no automaton is wanted; otherwise it is a cheap necessary condition.
#ifndef DEUCALION_MODEL_REGEX_GLOBS_H_
#define DEUCALION_MODEL_REGEX_GLOBS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deucalion {

// pieces[0] gap[0] pieces[1] … : one more piece than gaps; pieces may be empty. `gaps` holds the
// least number of bytes between two pieces: 0 for .*, 1 for .+.
struct Glob {
  std::vector<std::string> pieces = {""};
  std::vector<uint8_t> gaps;

  bool literal() const { return gaps.empty(); }
  bool Matches(std::string_view text) const;
  friend bool operator==(const Glob&, const Glob&) = default;
  friend auto operator<=>(const Glob&, const Glob&) = default;
};

struct GlobUnion {
  std::vector<Glob> globs;  // never empty
  bool exact = false;

  bool Matches(std::string_view text) const;
  bool AllLiteral() const;
  // What every match begins with.
  std::string CommonPrefix() const;
};

// At most this many literals are worth keeping as a set …
inline constexpr size_t kMaxRegexLiterals = 1000;
// … and this many globs are still faster one by one than RE2's automaton.
inline constexpr size_t kMaxRegexGlobs = 32;

// `pattern` must be valid UTF-8 that RE2 accepts. Dot matches newline, as in Prometheus.
GlobUnion AnalyzeRegex(std::string_view pattern);

}  // namespace deucalion

#endif  // DEUCALION_MODEL_REGEX_GLOBS_H_
