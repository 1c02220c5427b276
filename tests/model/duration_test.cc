#include "model/duration.h"

#include <gtest/gtest.h>

#include "model/value.h"

namespace deucalion {
namespace {

TEST(DurationTest, ParsesUnitsInDescendingOrder) {
  const std::pair<const char*, int64_t> cases[] = {{"0", 0},
                                                   {"0s", 0},
                                                   {"324ms", 324},
                                                   {"3s", 3000},
                                                   {"5m", 300000},
                                                   {"1h30m", 5400000},
                                                   {"4d", 345600000},
                                                   {"4d1h", 349200000},
                                                   {"14d", 1209600000},
                                                   {"3w", 1814400000},
                                                   {"3w2d1h", 1990800000},
                                                   {"10y", 315360000000},
                                                   {"1y2w3d4h5m6s7ms", 33019506007}};
  for (const auto& [text, want] : cases) {
    const Result<int64_t> got = ParseDuration(text);
    ASSERT_TRUE(got.ok()) << text;
    EXPECT_EQ(*got, want) << text;
  }
}

TEST(DurationTest, RefusesTheRestInPrometheusWords) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "empty duration string"},
      {"1", "not a valid duration string: \"1\""},
      {"1y1m1d", "not a valid duration string: \"1y1m1d\""},
      {"-1w", "not a valid duration string: \"-1w\""},
      {"1s1s", "not a valid duration string: \"1s1s\""},
      {"s", "not a valid duration string: \"s\""},
      {"1.5d", "unknown unit \".\" in duration \"1.5d\""},
      {"1 s", "unknown unit \" s\" in duration \"1 s\""},
      {"1q", "unknown unit \"q\" in duration \"1q\""},
      {"99999999999999999999s", "not a valid duration string: \"99999999999999999999s\""},
      {"294y", "duration out of range"},
      {"200y10400w", "duration out of range"},
      {"9223372036854775807s", "duration out of range"}};
  for (const auto& [text, want] : cases) {
    const Result<int64_t> got = ParseDuration(text);
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.status().message(), want);
  }
}

TEST(DurationTest, PrintsYearsAndWeeksOnlyWhenExact) {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "0s"},         {324, "324ms"},     {90000, "1m30s"},    {5400000, "1h30m"},
      {604800000, "1w"}, {86400000, "1d"},   {31536000000, "1y"}, {7776000000, "90d"},
      {691200000, "8d"}, {-90000, "-1m30s"}, {1209600000, "2w"}};
  for (const auto& [ms, want] : cases) EXPECT_EQ(FormatDuration(ms), want);
  for (int64_t ms = 1; ms < 100000000000; ms = ms * 3 + 7) {
    EXPECT_EQ(*ParseDuration(FormatDuration(ms)), ms);
  }
  EXPECT_FALSE(FormatDuration(kMinTimeMs).empty());
}

TEST(DurationTest, PrintsGoDurations) {
  const std::pair<int64_t, const char*> cases[] = {{0, "0s"},
                                                   {1, "1ns"},
                                                   {1100, "1.1µs"},
                                                   {2200000, "2.2ms"},
                                                   {300000000, "300ms"},
                                                   {1500000000, "1.5s"},
                                                   {3600000000000, "1h0m0s"},
                                                   {245000000000, "4m5s"},
                                                   {245001000000, "4m5.001s"},
                                                   {18367001000000, "5h6m7.001s"},
                                                   {480000000001, "8m0.000000001s"},
                                                   {kMaxTimeMs, "2562047h47m16.854775807s"},
                                                   {kMinTimeMs, "-2562047h47m16.854775808s"}};
  for (const auto& [ns, want] : cases) EXPECT_EQ(FormatGoDuration(ns), want);
}

TEST(TimeTest, ParsesFloatSecondsAndRfc3339) {
  const std::pair<const char*, int64_t> cases[] = {
      {"0", 0},
      {"1", 1000},
      {"1.5", 1500},
      {"-0.5", -500},
      {"-1.25", -1250},
      {"1543578564.705", 1543578564705},
      {"1.0006", 1001},
      {"1e3", 1000000},
      {"1970-01-01T00:00:00Z", 0},
      {"2015-06-03T13:21:58.555Z", 1433337718555},
      {"2015-06-03T14:21:58.555+01:00", 1433337718555},
      {"2015-06-03T12:21:58.5559-01:00", 1433337718555},
      {"2016-02-29T00:00:00Z", 1456704000000},
      {"1969-12-31T23:59:59.999Z", -1},
      {"0000-01-01T00:00:00Z", -62167219200000},
      {"-292273086-05-16T16:47:06Z", -9223309901257974000},
      {"292277025-08-18T07:12:54.999999999Z", 9223309901257974999}};
  for (const auto& [text, want] : cases) {
    const Result<int64_t> got = ParseTime(text);
    ASSERT_TRUE(got.ok()) << text;
    EXPECT_EQ(*got, want) << text;
  }
}

TEST(TimeTest, RefusesTheRest) {
  for (const char* text :
       {"", "x", "30s", "NaN", "Inf", "1e300", "2015-06-03", "2015-6-03T13:21:58Z",
        "2015-02-29T00:00:00Z", "2015-13-01T00:00:00Z", "2015-06-03T24:00:00Z",
        "2015-06-03T13:21:58", "2015-06-03T13:21:58.Z", "2015-06-03T13:21:58Zx",
        "2015-06-03 13:21:58Z", "2015-06-00T00:00:00Z", "2015-06-03T13:60:58Z"}) {
    const Result<int64_t> got = ParseTime(text);
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.status().message(), "cannot parse " + GoQuote(text) + " to a valid timestamp");
  }
}

TEST(TimeTest, FormatsRfc3339WithoutZerosAtTheEnd) {
  const std::pair<int64_t, const char*> cases[] = {{0, "1970-01-01T00:00:00Z"},
                                                   {1433337718555, "2015-06-03T13:21:58.555Z"},
                                                   {1433337718500, "2015-06-03T13:21:58.5Z"},
                                                   {1433337718050, "2015-06-03T13:21:58.05Z"},
                                                   {-1, "1969-12-31T23:59:59.999Z"},
                                                   {253402300800000, "10000-01-01T00:00:00Z"}};
  for (const auto& [ms, want] : cases) EXPECT_EQ(FormatTimeRfc3339(ms), want);
  EXPECT_EQ(FormatTimeRfc3339(-9223309901257974000), "-292273086-05-16T16:47:06Z");
  for (int64_t ms = -62000000000000; ms < 250000000000000; ms += 1234567891011) {
    EXPECT_EQ(*ParseTime(FormatTimeRfc3339(ms)), ms);
  }
  EXPECT_FALSE(FormatTimeRfc3339(kMinTimeMs).empty());
  EXPECT_FALSE(FormatTimeRfc3339(kMaxTimeMs).empty());
}

}  // namespace
}  // namespace deucalion
