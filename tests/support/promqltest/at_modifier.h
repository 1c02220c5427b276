// Fixes an expression in time: what it gives at `time_ms` it must then give at any time.
#ifndef DEUCALION_TESTS_SUPPORT_PROMQLTEST_AT_MODIFIER_H_
#define DEUCALION_TESTS_SUPPORT_PROMQLTEST_AT_MODIFIER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace deucalion::promqltest {

// `expr` with @ time_ms on each selector and subquery that has none and stands in no subquery that
// has one. Nothing when a function in it depends on the evaluation time by itself (time(), hour(),
// …).
std::optional<std::string> WithAtModifier(std::string_view expr, int64_t time_ms);

}  // namespace deucalion::promqltest

#endif  // DEUCALION_TESTS_SUPPORT_PROMQLTEST_AT_MODIFIER_H_
