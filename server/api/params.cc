#include "server/api/params.h"

#include <charconv>
#include <cmath>

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
  return params.Get(name).empty() ? fallback_ms : RequiredTimeParam(params, name);
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

Result<size_t> LimitParam(const http::Params& params) {
  const std::string_view text = params.Get("limit");
  if (text.empty()) return size_t{0};
  const std::string_view digits = text[0] == '+' ? text.substr(1) : text;
  int64_t limit = 0;
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), limit);
  if (r.ec == std::errc::result_out_of_range) {
    return InvalidArgumentError("strconv.Atoi: parsing " + GoQuote(text) + ": value out of range");
  }
  if (r.ec != std::errc() || r.ptr != digits.data() + digits.size()) {
    return InvalidArgumentError("strconv.Atoi: parsing " + GoQuote(text) + ": invalid syntax");
  }
  if (limit < 0) return InvalidArgumentError("limit must be non-negative");
  return static_cast<size_t>(limit);
}

Result<std::vector<std::vector<Matcher>>> MatchParams(const http::Params& params) {
  std::vector<std::vector<Matcher>> sets;
  for (const std::string& text : params.All("match[]")) {
    ASSIGN_OR_RETURN(auto matchers, promql::ParseMetricSelector(text));
    bool selective = false;
    for (const Matcher& m : matchers) selective = selective || !m.MatchesEmpty();
    if (!selective) {
      return InvalidArgumentError("match[] must contain at least one non-empty matcher");
    }
    sets.push_back(std::move(matchers));
  }
  return sets;
}

}  // namespace deucalion::api
