#include "server/api/params.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "model/duration.h"
#include "model/value.h"
#include "promql/parser/parser.h"

namespace deucalion::api {
namespace {

// As Go formats the two bounds; its own parser cannot read years of more than four digits back.
constexpr std::string_view kMinTimeText = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kMaxTimeText = "292277025-08-18T07:12:54.999999999Z";

}  // namespace

Result<int64_t> TimeParam(const http::Params& params, std::string_view name, int64_t fallback_ms) {
  if (params.Get(name).empty()) return fallback_ms;
  auto time = RequiredTimeParam(params, name);
  if (time.ok()) return time;
  return InvalidArgumentError("invalid time value for '" + std::string(name) +
                              "': " + time.status().message());
}

Result<int64_t> RequiredTimeParam(const http::Params& params, std::string_view name) {
  const std::string_view text = params.Get(name);
  if (text == kMinTimeText) return kMinApiTimeMs;
  if (text == kMaxTimeText) return kMaxApiTimeMs;
  return ParseTime(text);
}

Result<int64_t> DurationValue(std::string_view text) {
  double seconds;
  if (ParseFloatFast(text, &seconds)) {
    const double ms = seconds * 1000;
    // Upstream counts in nanoseconds, so its range ends here.
    if (!(std::abs(seconds * 1e9) <= 9.223372036854775e18)) {
      return InvalidArgumentError("cannot parse " + GoQuote(text) +
                                  " to a valid duration. It overflows int64");
    }
    return static_cast<int64_t>(ms);
  }
  auto parsed = ParseDuration(text);
  if (parsed.ok()) return parsed;
  return InvalidArgumentError("cannot parse " + GoQuote(text) + " to a valid duration");
}

Result<bool> ParseBool(std::string_view text) {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return InvalidArgumentError("strconv.ParseBool: parsing " + GoQuote(text) + ": invalid syntax");
}

namespace {

// `function` is how Go's error names itself.
Result<int64_t> ParseInteger(std::string_view text, int bits, std::string_view function) {
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  int64_t value = 0;
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const std::string context = std::string(function) + ": parsing " + GoQuote(text);
  if (digits.starts_with('+') || r.ec == std::errc::invalid_argument ||
      r.ptr != digits.data() + digits.size()) {
    return InvalidArgumentError(context + ": invalid syntax");
  }
  const int64_t limit = bits == 32 ? int64_t{1} << 31 : INT64_MAX;
  if (r.ec != std::errc() || value < -limit || (bits == 32 && value >= limit)) {
    return InvalidArgumentError(context + ": value out of range");
  }
  return value;
}

}  // namespace

Result<int64_t> ParseInt(std::string_view text, int bits) {
  return ParseInteger(text, bits, "strconv.ParseInt");
}

Result<size_t> LimitParam(const http::Params& params) {
  const std::string_view text = params.Get("limit");
  if (text.empty()) return size_t{0};
  ASSIGN_OR_RETURN(const int64_t limit, ParseInteger(text, 64, "strconv.Atoi"));
  if (limit < 0) return InvalidArgumentError("limit must be non-negative");
  return static_cast<size_t>(limit);
}

Result<std::vector<std::vector<Matcher>>> MatchParams(const http::Params& params) {
  std::vector<std::vector<Matcher>> sets;
  for (const std::string& text : params.All("match[]")) {
    ASSIGN_OR_RETURN(auto matchers, promql::ParseMetricSelector(text));
    sets.push_back(std::move(matchers));
  }
  for (const std::vector<Matcher>& set : sets) {
    if (std::all_of(set.begin(), set.end(), [](const Matcher& m) { return m.MatchesEmpty(); })) {
      return InvalidArgumentError("match[] must contain at least one non-empty matcher");
    }
  }
  return sets;
}

}  // namespace deucalion::api
