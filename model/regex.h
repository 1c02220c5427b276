// Regex: Prometheus's regular expressions (RE2 syntax, anchored at both ends, dot matches newline).
// The one header behind which RE2 lives. Immutable after Compile, so thread-safe; cheap to copy.
//
// What the pattern can say without running an automaton is taken out of it first: a set of literal
// alternatives ("a|b|c"), a literal prefix, suffix or contained literal. Index look-ups use them.
#ifndef DEUCALION_MODEL_REGEX_H_
#define DEUCALION_MODEL_REGEX_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace deucalion {

class Regex {
 public:
  // Fails with Go's words: error parsing regexp: missing closing ): `(`. Patterns whose program
  // would exceed RE2's memory budget are refused.
  static Result<Regex> Compile(std::string_view pattern);

  const std::string& pattern() const;
  bool Matches(std::string_view text) const;
  // Non-empty when the pattern is exactly these literals (at most 1,000), sorted, none twice.
  const std::vector<std::string>& set_matches() const;
  // Every match begins with this (case-sensitive); may be empty.
  std::string_view prefix() const;
  bool matches_empty() const;
  // ".*" and ".+": known without looking.
  bool matches_everything() const;
  bool matches_any_nonempty() const;

  // For relabelling and label_replace: when `text` matches, expands $1, ${1}, ${name}, $name and $$
  // as Go's Regexp.Expand does (unknown names are empty) into *out, whose old content goes. False,
  // and *out untouched, when it does not match. *out must not be what `text` or `replacement` look
  // at.
  bool Expand(std::string_view text, std::string_view replacement, std::string* out) const;

  struct Impl;

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace deucalion

#endif  // DEUCALION_MODEL_REGEX_H_
