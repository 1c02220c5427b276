// Words of a line, separated by spaces and tabs.
#ifndef DEUCALION_TESTS_SUPPORT_PROMQLTEST_WORDS_H_
#define DEUCALION_TESTS_SUPPORT_PROMQLTEST_WORDS_H_

#include <string_view>

namespace deucalion::promqltest {

inline std::string_view Trim(std::string_view s) {
  constexpr std::string_view kBlank = " \t\r\v\f";
  const size_t begin = s.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return s.substr(begin, s.find_last_not_of(kBlank) - begin + 1);
}

inline std::string_view FirstWord(std::string_view line) {
  line = Trim(line);
  return line.substr(0, line.find_first_of(" \t"));
}

// Takes the first word off *line; what is left is trimmed. Empty at the end.
inline std::string_view TakeWord(std::string_view* line) {
  *line = Trim(*line);
  const std::string_view word = FirstWord(*line);
  line->remove_prefix(word.size());
  *line = Trim(*line);
  return word;
}

}  // namespace deucalion::promqltest

#endif  // DEUCALION_TESTS_SUPPORT_PROMQLTEST_WORDS_H_
