// Start timestamps in test scripts: `metric{a="b"}@st -30s-1mx2 _` says for each value of the next
// line how far from the value its counter began.
#ifndef DEUCALION_TESTS_SUPPORT_PROMQLTEST_START_LINE_H_
#define DEUCALION_TESTS_SUPPORT_PROMQLTEST_START_LINE_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/labels.h"

namespace deucalion::promqltest {

struct StartLine {
  std::optional<Labels> labels;  // none: for all series that follow, repeated as often as needed
  std::vector<std::optional<int64_t>> offsets_ms;
};

// Whether the first word of the line ends in @st.
bool IsStartLine(std::string_view line);
Result<StartLine> ParseStartLine(std::string_view line);

}  // namespace deucalion::promqltest

#endif  // DEUCALION_TESTS_SUPPORT_PROMQLTEST_START_LINE_H_
