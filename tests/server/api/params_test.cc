#include "server/api/params.h"

#include <gtest/gtest.h>

#include "server/api/escape_name.h"

namespace deucalion::api {
namespace {

http::Params With(std::string name, std::string value) {
  http::Params params;
  params.Add(std::move(name), std::move(value));
  return params;
}

TEST(ParamsTest, TimesAreRfc3339OrSecondsOrTheBounds) {
  EXPECT_EQ(*TimeParam(With("t", "1.5"), "t", 0), 1500);
  EXPECT_EQ(*TimeParam(With("t", "2015-07-01T20:10:30.781Z"), "t", 0), 1435781430781);
  EXPECT_EQ(*TimeParam(With("t", ""), "t", 42), 42);
  EXPECT_EQ(*TimeParam(With("t", "-292273086-05-16T16:47:06Z"), "t", 0), kMinApiTimeMs);
  // Milliseconds where seconds are wanted, as one client sends them: far, but a time.
  EXPECT_TRUE(TimeParam(With("t", "1767225600000"), "t", 0).ok());
  EXPECT_EQ(TimeParam(With("t", "yesterday"), "t", 0).status().message(),
            "invalid time value for 't': cannot parse \"yesterday\" to a valid timestamp");
}

TEST(ParamsTest, DurationsAreSecondsOrUnits) {
  EXPECT_EQ(*DurationValue("1.5"), 1500);
  EXPECT_EQ(*DurationValue("1h30m"), 5'400'000);
  EXPECT_EQ(DurationValue("x").status().message(), "cannot parse \"x\" to a valid duration");
  EXPECT_EQ(DurationValue("1e40").status().message(),
            "cannot parse \"1e40\" to a valid duration. It overflows int64");
}

TEST(ParamsTest, LimitsAreWholeAndNotNegative) {
  EXPECT_EQ(*LimitParam(With("limit", "")), 0u);
  EXPECT_EQ(*LimitParam(With("limit", "17")), 17u);
  EXPECT_EQ(LimitParam(With("limit", "-1")).status().message(), "limit must be non-negative");
  EXPECT_EQ(LimitParam(With("limit", "1x")).status().message(),
            "strconv.Atoi: parsing \"1x\": invalid syntax");
}

TEST(ParamsTest, MatchersMustSelectSomething) {
  EXPECT_EQ(MatchParams(With("match[]", "{a=\"b\"}"))->size(), 1u);
  EXPECT_FALSE(MatchParams(With("match[]", "{a=\"\"}")).ok());
  // What cannot be read is said before what says nothing.
  http::Params both;
  both.Add("match[]", "{}");
  both.Add("match[]", "{");
  EXPECT_EQ(MatchParams(both).status().message(),
            "1:2: parse error: unexpected end of input inside braces");
}

TEST(EscapeNameTest, ReadsEscapedNamesAndLeavesOthersAlone) {
  EXPECT_EQ(UnescapeName("job"), "job");
  EXPECT_EQ(UnescapeName("U__my_2e_metric__total"), "my.metric_total");
  EXPECT_EQ(UnescapeName("U___1f600_"), "😀");
  EXPECT_EQ(UnescapeName("U__a_zz_"), "U__a_zz_");
  EXPECT_EQ(UnescapeName("U___10ffff_"), "U___10ffff_");  // one digit more than upstream reads
  EXPECT_EQ(UnescapeName("U__a_2e"), "U__a_2e");
}

}  // namespace
}  // namespace deucalion::api
