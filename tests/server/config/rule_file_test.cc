#include "server/config/rule_file.h"

#include <gtest/gtest.h>

namespace deucalion::config {
namespace {

RuleChecks Checks() {
  RuleChecks checks;
  checks.expression = [](std::string_view text) {
    return text == "(" ? InvalidArgumentError("1:2: parse error: unclosed left parenthesis")
                       : OkStatus();
  };
  checks.text_template = [](std::string_view text) {
    return text.find("{{ foo") == std::string_view::npos
               ? OkStatus()
               : InvalidArgumentError("template: function \"foo\" not defined");
  };
  return checks;
}

TEST(RuleFileTest, ReadsGroups) {
  const Result<RuleFile> file = ParseRuleFile("r.yml", R"(
groups:
- name: g
  interval: 30s
  query_offset: 1m
  limit: 5
  labels: {team: a}
  rules:
  - record: job:up:sum
    expr: sum(up) by (job)
    labels: {x: "1"}
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1h
    annotations: {summary: "{{ $labels.job }}"}
- name: h
)",
                                              Checks());
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_EQ(file->groups.size(), 2u);
  const RuleGroup& g = file->groups[0];
  EXPECT_EQ(g.interval_ms, 30'000);
  EXPECT_EQ(g.query_offset_ms, 60'000);
  EXPECT_EQ(g.limit, 5);
  EXPECT_EQ(g.rules[0].record, "job:up:sum");
  EXPECT_EQ(g.rules[1].for_ms, 300'000);
  EXPECT_EQ(g.rules[1].keep_firing_for_ms, 3'600'000);
  EXPECT_FALSE(file->groups[1].query_offset_ms.has_value());
}

TEST(RuleFileTest, UnknownFieldsAreErrorsUnlessIgnored) {
  const std::string text = "groups:\n- name: g\n  owner: me\n  rules: []\nversion: 1\n";
  const Result<RuleFile> strict = ParseRuleFile("", text, {});
  ASSERT_FALSE(strict.ok());
  EXPECT_EQ(strict.status().message(),
            "3:3: yaml: unmarshal errors:\n"
            "  line 3: field owner not found in type rulefmt.RuleGroup (column 3)\n"
            "  line 5: field version not found in type rulefmt.RuleGroups (column 1)");
  RuleChecks lenient;
  lenient.ignore_unknown_fields = true;
  EXPECT_TRUE(ParseRuleFile("", text, lenient).ok());
}

TEST(RuleFileTest, EmptyFileHasNoGroups) {
  for (const std::string text : {"", "groups:\n", "groups: []\n"}) {
    const Result<RuleFile> file = ParseRuleFile("r.yml", text, {});
    ASSERT_TRUE(file.ok()) << text;
    EXPECT_TRUE(file->groups.empty());
  }
}

// The lines are promtool's.
TEST(RuleFileTest, ReportsEveryMistakeWithItsPlace) {
  const Result<RuleFile> file = ParseRuleFile("r.yml", R"(groups:
- name: a
  rules:
  - record: a{b}
    expr: up
  - alert: x
    expr: "("
    labels: {__name__: d}
    annotations: {x: "{{ foo"}
  - record: a
    alert: b
    expr: up
    for: 5m
  - expr: up
  - record: x
- name: a
  rules: []
- name: ""
)",
                                              Checks());
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(
      file.status().message(),
      "r.yml: 4:13: group \"a\", rule 1, \"a{b}\": braces present in the recording rule name; "
      "should it be in expr?: a{b}\n"
      "r.yml: 7:11: group \"a\", rule 2, \"x\": could not parse expression: 1:2: parse error: "
      "unclosed left parenthesis\n"
      "r.yml: group \"a\", rule 2, \"x\": invalid label name: __name__\n"
      "r.yml: group \"a\", rule 2, \"x\": annotation \"x\": template: function \"foo\" not "
      "defined\n"
      "r.yml: 10:13: 11:12: group \"a\", rule 3, \"b\": only one of 'record' and 'alert' must "
      "be set\n"
      "r.yml: 10:13: group \"a\", rule 3, \"b\": invalid field 'for' in recording rule\n"
      "r.yml: 0:0: 0:0: group \"a\", rule 4, \"\": one of 'record' or 'alert' must be set\n"
      "r.yml: 0:0: group \"a\", rule 5, \"x\": field 'expr' must be set in rule\n"
      "r.yml: 16:3: groupname: \"a\" is repeated in the same file\n"
      "r.yml: 18:3: Groupname must not be empty");
}

TEST(RuleFileTest, ReportsStructure) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"groups:\n  name: a\n",
       "r.yml:2:3: yaml: unmarshal errors:\n  line 2: cannot unmarshal !!map into "
       "[]rulefmt.RuleGroup (column 3)"},
      {"groups:\n- name: a\n  rules:\n  - exprx: up\n",
       "r.yml:4:5: yaml: unmarshal errors:\n  line 4: field exprx not found in type rulefmt.Rule "
       "(column 5)"},
      {"groups:\n- name: a\n  interval: 5\n", "r.yml:3:13: not a valid duration string: \"5\""},
  };
  for (const auto& [text, want] : cases) {
    EXPECT_EQ(ParseRuleFile("r.yml", text, {}).status().message(), want);
  }
}

TEST(RuleFileTest, LegacyNamesAreChecked) {
  RuleChecks checks;
  checks.names = scrape::NameValidation::kLegacy;
  const std::string text = "groups: [{name: g, rules: [{record: a-b, expr: up}]}]";
  EXPECT_TRUE(ParseRuleFile("r.yml", text, {}).ok());
  EXPECT_EQ(ParseRuleFile("r.yml", text, checks).status().message(),
            "r.yml: 1:37: group \"g\", rule 1, \"a-b\": invalid recording rule name: a-b");
}

}  // namespace
}  // namespace deucalion::config
