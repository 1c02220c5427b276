#include "model/matcher.h"

#include <gtest/gtest.h>

namespace deucalion {
namespace {

TEST(MatcherTest, MatchesByType) {
  const struct {
    MatchType type;
    const char* value;
    const char* label;
    bool want;
  } cases[] = {
      {MatchType::kEqual, "bar", "bar", true},     {MatchType::kEqual, "bar", "foo-bar", false},
      {MatchType::kNotEqual, "bar", "bar", false}, {MatchType::kNotEqual, "bar", "", true},
      {MatchType::kRegexp, "b.*", "bar", true},    {MatchType::kRegexp, "ba", "bar", false},
      {MatchType::kNotRegexp, "b.*", "b", false},  {MatchType::kNotRegexp, "b.*", "", true},
      {MatchType::kRegexp, "", "", true},          {MatchType::kRegexp, "a|", "", true},
  };
  for (const auto& c : cases) {
    const Result<Matcher> matcher = Matcher::Make(c.type, "foo", c.value);
    ASSERT_TRUE(matcher.ok());
    EXPECT_EQ(matcher->Matches(c.label), c.want) << matcher->ToString() << " on " << c.label;
  }
}

TEST(MatcherTest, PrintsAsItIsWritten) {
  const struct {
    MatchType type;
    const char* name;
    const char* value;
    const char* want;
  } cases[] = {{MatchType::kEqual, "a", "b", "a=\"b\""},
               {MatchType::kNotEqual, "a", "", "a!=\"\""},
               {MatchType::kRegexp, "a", "b\\.c", "a=~\"b\\\\.c\""},
               {MatchType::kNotRegexp, "a.b", "\n", "\"a.b\"!~\"\\n\""}};
  for (const auto& c : cases) {
    EXPECT_EQ(Matcher::Make(c.type, c.name, c.value)->ToString(), c.want);
  }
}

TEST(MatcherTest, OnlyRegexpTypesCarryARegexAndCanFail) {
  EXPECT_EQ(Matcher::Equal("a", "(").regex(), nullptr);
  EXPECT_EQ(Matcher::Make(MatchType::kNotRegexp, "a", "x.*")->regex()->prefix(), "x");
  const Result<Matcher> bad = Matcher::Make(MatchType::kRegexp, "a", "(");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().message(), "error parsing regexp: missing closing ): `(`");
}

TEST(MatcherTest, AllMustMatchAndAnAbsentLabelIsEmpty) {
  const Labels labels{{"a", "1"}, {"b", "2"}};
  EXPECT_TRUE(MatchesAll({}, labels));
  EXPECT_TRUE(MatchesAll({Matcher::Equal("a", "1"), Matcher::Equal("c", "")}, labels));
  EXPECT_FALSE(MatchesAll({Matcher::Equal("a", "1"), Matcher::NotEqual("b", "2")}, labels));
}

}  // namespace
}  // namespace deucalion
