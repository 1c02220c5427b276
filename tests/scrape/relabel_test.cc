#include "scrape/relabel.h"

#include <gtest/gtest.h>

namespace deucalion::scrape {
namespace {

struct Case {
  std::vector<RelabelConfig> rules;
  Labels want;  // empty = dropped
};

RelabelConfig Rule(RelabelAction action, std::vector<std::string> sources, std::string regex,
                   std::string target = "", std::string replacement = "$1") {
  RelabelConfig c;
  c.action = action;
  c.source_labels = std::move(sources);
  c.regex = std::move(regex);
  c.target_label = std::move(target);
  c.replacement = std::move(replacement);
  return c;
}

using A = RelabelAction;

const Labels kInput = {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}};

Labels Apply(const Labels& in, std::vector<RelabelConfig> rules) {
  for (RelabelConfig& rule : rules) {
    Status s = rule.Validate();
    EXPECT_TRUE(s.ok()) << s.message();
  }
  LabelsBuilder builder(in);
  return Relabel(rules, &builder) ? builder.Build() : Labels();
}

TEST(RelabelTest, AppliesEveryAction) {
  RelabelConfig comma = Rule(A::kReplace, {"a", "b"}, "f(.*),(.*)r", "d", "ch${1}-ch${2}");
  comma.separator = ",";
  RelabelConfig mod = Rule(A::kHashMod, {"c"}, "(.*)", "d");
  mod.modulus = 1000;
  RelabelConfig mod_newline = Rule(A::kHashMod, {"a"}, "(.*)", "d");
  mod_newline.modulus = 1000;
  const Case kCases[] = {
      {{Rule(A::kReplace, {"a"}, "f(.*)", "d", "ch${1}-ch${1}")},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "choo-choo"}}},
      {{comma}, {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "choo-chba"}}},
      {{Rule(A::kReplace, {"a"}, "f(.*)", "d", "ch${1}"), Rule(A::kReplace, {"d"}, "x.*", "e")},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "choo"}}},
      {{Rule(A::kDrop, {"a"}, ".*o.*")}, {}},
      {{Rule(A::kDrop, {"a"}, "no-match")}, kInput},
      {{Rule(A::kDrop, {"a"}, "f|o")}, kInput},  // anchored
      {{Rule(A::kKeep, {"a"}, "no-match")}, {}},
      {{Rule(A::kKeep, {"a"}, "f.*")}, kInput},
      {{Rule(A::kDropEqual, {"a"}, "(.*)", "b")}, kInput},
      {{Rule(A::kReplace, {"a"}, "(.*)", "b"), Rule(A::kDropEqual, {"a"}, "(.*)", "b")}, {}},
      {{Rule(A::kKeepEqual, {"a"}, "(.*)", "b")}, {}},
      {{Rule(A::kReplace, {}, "(.*)", "b", "")}, {{"a", "foo"}, {"c", "baz"}}},
      {{Rule(A::kReplace, {"a"}, "nomatch", "b", "x")}, kInput},
      {{Rule(A::kReplace, {"a"}, "(f).*", "${1}_x", "v")},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"f_x", "v"}}},
      {{mod}, {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "976"}}},
      {{Rule(A::kLabelMap, {}, "(b.*)", "", "x_${1}")},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"x_b", "bar"}}},
      {{Rule(A::kLabelDrop, {}, "(b|c)")}, {{"a", "foo"}}},
      {{Rule(A::kLabelKeep, {}, "(b|c)")}, {{"b", "bar"}, {"c", "baz"}}},
      {{Rule(A::kUppercase, {"a"}, "(.*)", "u")},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"u", "FOO"}}},
  };
  int i = 0;
  for (const Case& c : kCases) {
    EXPECT_EQ(Apply(kInput, c.rules).ToString(), c.want.ToString()) << "case " << i;
    ++i;
  }
}

TEST(RelabelTest, MapsCaseBeyondAscii) {
  const Labels in = {{"a", "ÄÖß straße"}};
  EXPECT_EQ(Apply(in, {Rule(A::kLowercase, {"a"}, "(.*)", "l")}).Get("l"), "äöß straße");
}

TEST(RelabelTest, ChecksRulesInUpstreamsWords) {
  struct Bad {
    RelabelConfig rule;
    const char* error;
  };
  RelabelConfig separator = Rule(A::kLabelDrop, {}, "x");
  separator.separator = ",";
  const Bad kCases[] = {
      {Rule(A::kHashMod, {"a"}, "(.*)", "d"),
       "relabel configuration for hashmod requires non-zero modulus"},
      {Rule(A::kReplace, {"a"}, "(.*)"),
       "relabel configuration for replace action requires 'target_label' value"},
      {Rule(A::kLowercase, {"a"}, "(.*)", "x", "y"),
       "'replacement' can not be set for lowercase action"},
      {Rule(A::kDropEqual, {"a"}, "f.*", "x"),
       "dropequal action requires only 'source_labels' and `target_label`, and no other fields"},
      {separator, "labeldrop action requires only 'regex', and no other fields"},
      {Rule(A::kUppercase, {"a"}, "(.*)", "\xff"),
       "\"\\xff\" is invalid 'target_label' for uppercase action"},
  };
  for (const Bad& bad : kCases) {
    RelabelConfig rule = bad.rule;
    EXPECT_EQ(rule.Validate().message(), bad.error);
  }
  RelabelConfig legacy = Rule(A::kReplace, {"a"}, "(.*)", "0${3}");
  EXPECT_EQ(legacy.Validate(NameValidation::kLegacy).message(),
            "\"0${3}\" is invalid 'target_label' for replace action");
  EXPECT_EQ(ParseRelabelAction("Bogus").status().message(), "unknown relabel action \"Bogus\"");
  EXPECT_EQ(*ParseRelabelAction("RePlace"), A::kReplace);
}

}  // namespace
}  // namespace deucalion::scrape
