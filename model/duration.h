// Prometheus durations ("1h30m", units y w d h m s ms, each once, descending) and RFC 3339 times.
#ifndef DEUCALION_MODEL_DURATION_H_
#define DEUCALION_MODEL_DURATION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace deucalion {

// In milliseconds. Errors in Prometheus's words: empty duration string; not a valid duration
// string: "x"; duration out of range. "0" is allowed.
Result<int64_t> ParseDuration(std::string_view text);
// Shortest exact form as model.Duration prints it: 1h30m, 90s -> 1m30s, 0 -> 0s, 1d, 1w, 1y.
std::string FormatDuration(int64_t ms);
// Go's time.Duration text: 1h0m0s, 1.5s, 300ms.
std::string FormatGoDuration(int64_t ns);
// API time parameter: RFC 3339 or float Unix seconds -> ms (rounded). Error: cannot parse "x" to a
// valid timestamp.
Result<int64_t> ParseTime(std::string_view text);
// RFC 3339 with ms precision trimmed ("2026-01-02T03:04:05.678Z"), UTC.
std::string FormatTimeRfc3339(int64_t ms);

}  // namespace deucalion

#endif  // DEUCALION_MODEL_DURATION_H_
