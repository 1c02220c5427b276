// Reading the parameters of API calls, with upstream's error texts.
#ifndef DEUCALION_SERVER_API_PARAMS_H_
#define DEUCALION_SERVER_API_PARAMS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/matcher.h"
#include "server/http/message.h"

namespace deucalion::api {

// The bounds of time the API speaks of: what start and end default to.
inline constexpr int64_t kMinApiTimeMs = INT64_MIN / 1000 * 1000 + 62135596801000;
inline constexpr int64_t kMaxApiTimeMs = INT64_MAX / 1000 * 1000 - 62135596801000 + 999;

// RFC 3339, float seconds, or the two formatted bounds; `fallback` when the parameter is empty.
Result<int64_t> TimeParam(const http::Params& params, std::string_view name, int64_t fallback_ms);
// The same without a fallback: an empty parameter is an error.
Result<int64_t> RequiredTimeParam(const http::Params& params, std::string_view name);
// Float seconds or a Prometheus duration -> ms. Empty is an error too.
Result<int64_t> DurationValue(std::string_view text);
// strconv.ParseBool, and strconv.ParseInt in base ten, in Go's words.
Result<bool> ParseBool(std::string_view text);
Result<int64_t> ParseInt(std::string_view text, int bits);
// A number of results, 0 (no limit) when empty.
Result<size_t> LimitParam(const http::Params& params);
// Every match[]: at least one matcher of each set must not match the empty string.
Result<std::vector<std::vector<Matcher>>> MatchParams(const http::Params& params);

}  // namespace deucalion::api

#endif  // DEUCALION_SERVER_API_PARAMS_H_
