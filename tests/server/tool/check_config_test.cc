#include <gtest/gtest.h>

#include "tests/server/tool/run_tool.h"
#include "tests/support/temp_dir.h"

namespace deucalion::tool {
namespace {

constexpr char kRules[] = R"(groups:
- name: g
  labels: {team: a}
  rules:
  - record: a
    expr: up
  - record: a
    expr: up
    labels: {team: a}
  - alert: X
    expr: up == 0
)";
constexpr char kDuplicates[] =
    "  FAILED:\nlint error 1 duplicate rule(s) found.\nMetric: a\nLabel(s):\n\tteam: a\n"
    "Might cause inconsistency while recording expressions\n";

class ToolCheckTest : public testing::Test {
 protected:
  // The path of a new file.
  std::string File(const std::string& name, const std::string& text) {
    WriteFile(dir_.Path(name), text);
    return dir_.Path(name);
  }

  TempDir dir_;
};

TEST_F(ToolCheckTest, RulesAreCountedUnlessTheyRepeat) {
  const std::string rules = File("r.yml", kRules);
  const ToolRun strict = Deutool({"check", "rules", rules});
  EXPECT_EQ(strict.exit_code, 0);
  EXPECT_EQ(strict.out, "Checking " + rules + "\n\n");
  EXPECT_EQ(strict.err, kDuplicates);
  EXPECT_EQ(Deutool({"check", "rules", "--lint-fatal", rules}).exit_code, 3);

  const ToolRun lenient = Deutool({"check", "rules", "--lint=none", "--lint-fatal", rules, rules});
  EXPECT_EQ(lenient.exit_code, 0);
  const std::string once = "Checking " + rules + "\n  SUCCESS: 3 rules found\n\n";
  EXPECT_EQ(lenient.out, once + once);
  EXPECT_EQ(lenient.err, "");

  const ToolRun unknown = Deutool({"check", "rules", "--lint=foo", rules});
  EXPECT_TRUE(unknown.out.starts_with("WARNING: unknown lint option: \"foo\"\n")) << unknown.out;
}

TEST_F(ToolCheckTest, RulesComeFromStandardInputWithoutFiles) {
  const ToolRun good = Deutool({"check", "rules", "--lint=none"}, kRules);
  EXPECT_EQ(good.out, "Checking standard input\n  SUCCESS: 3 rules found\n\n");
  const ToolRun bad = Deutool({"check", "rules"}, R"(groups:
- name: g
  rules:
  - record: a
    expr: up(
  - expr: up
)");
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_TRUE(
      bad.err.starts_with("  FAILED:\n5:11: group \"g\", rule 1, \"a\": could not parse "
                          "expression: 1:"))
      << bad.err;
  EXPECT_NE(bad.err.find("one of 'record' or 'alert' must be set\n"), std::string::npos) << bad.err;
}

TEST_F(ToolCheckTest, RulesMayCarryFieldsOfOthersWhenAsked) {
  const std::string rules = File("r.yml", "groups:\n- name: g\n  owner: me\n  rules: []\n");
  EXPECT_EQ(Deutool({"check", "rules", rules}).exit_code, 1);
  EXPECT_EQ(Deutool({"check", "rules", "--ignore-unknown-fields", rules}).exit_code, 0);
}

TEST_F(ToolCheckTest, ConfigIsCheckedWithTheFilesItNames) {
  const std::string rules = File("r.yml", kRules);
  File("targets.json", R"([{"targets": ["b:1"]}])");
  const std::string config = File("p.yml", R"(
global: {scrape_interval: 10m}
rule_files: [r.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ["am:9093"]}]}]}
scrape_configs:
- job_name: x
  static_configs: [{targets: ["a:1"]}]
  file_sd_configs: [{files: [none.json, "targets*.json"]}]
)");
  const ToolRun run = Deutool({"check", "config", config});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "Checking " + config + "\n  WARNING: file \"" + dir_.Path("none.json") +
                         "\" for file_sd in scrape job \"x\" does not exist\n"
                         "  SUCCESS: 1 rule files found\n SUCCESS: " +
                         config + " is valid prometheus config file syntax\n\nChecking " + rules +
                         "\n\n");
  EXPECT_EQ(run.err, kDuplicates);

  const ToolRun lint =
      Deutool({"check", "config", "--lint=too-long-scrape-interval", "--lint-fatal", config});
  EXPECT_EQ(lint.exit_code, 3);
  EXPECT_EQ(lint.err,
            "  FAILED: too long scrape interval found, data point will be marked as stale - job: "
            "x, interval: 10m\n");
  EXPECT_EQ(Deutool({"check", "--query.lookback-delta=11m", "config", "--lint-fatal",
                     "--lint=too-long-scrape-interval", config})
                .exit_code,
            0);
  EXPECT_EQ(Deutool({"check", "config", "--agent", config}).exit_code, 1);
}

TEST_F(ToolCheckTest, SyntaxOnlyLeavesOtherFilesAlone) {
  const std::string config = File("p.yml", R"(
rule_files: [missing.yml]
scrape_config_files: [broken.yml]
scrape_configs:
- job_name: x
  authorization: {credentials_file: missing}
)");
  File("broken.yml", "{");
  const ToolRun run = Deutool({"check", "config", "--syntax-only", config});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "Checking " + config + "\n SUCCESS: " + config +
                         " is valid prometheus config file syntax\n\n");
}

TEST_F(ToolCheckTest, ConfigFailsForEveryBrokenPart) {
  File("targets.txt", "");
  File("null.json", "[null]");
  File("bad.yml", "- targets: ['a/b']");
  struct {
    std::string text;
    std::string want;
  } cases[] = {
      {"nope: 1\n", "field nope not found"},
      {"rule_files: [missing.yml]\n", "missing.yml\" does not point to an existing file"},
      {"scrape_configs: [{job_name: x, tls_config: {cert_file: c, key_file: k}}]\n",
       "error checking client cert file "},
      {"scrape_configs: [{job_name: x, authorization: {credentials_file: c}}]\n",
       "error checking authorization credentials or bearer token file "},
      {"scrape_configs: [{job_name: x, file_sd_configs: [{files: [null.json]}]}]\n",
       "checking SD file "},
      {"scrape_configs: [{job_name: x, file_sd_configs: [{files: [bad.yml]}]}]\n",
       "\"a/b\" is not a valid hostname"},
      {"alerting: {alertmanagers: [{file_sd_configs: [{files: [bad.yml]}]}]}\n",
       "\"a/b\" is not a valid hostname"},
  };
  for (const auto& c : cases) {
    const ToolRun run = Deutool({"check", "config", File("p.yml", c.text)});
    EXPECT_EQ(run.exit_code, 1) << c.text;
    EXPECT_TRUE(run.err.starts_with("  FAILED: ")) << run.err;
    EXPECT_NE(run.err.find(c.want), std::string::npos) << run.err;
    EXPECT_EQ(run.out.find("SUCCESS"), std::string::npos) << run.out;
  }
}

TEST_F(ToolCheckTest, WebConfigIsCheckedFileByFile) {
  const std::string good = File("good.yml", "basic_auth_users: {}\n");
  const std::string bad = File("bad.yml", "basic_auth_users: {a: b}\n");
  const ToolRun run = Deutool({"check", "web-config", bad, good});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(run.err.starts_with(bad + " FAILED: ")) << run.err;
  EXPECT_TRUE(run.err.ends_with(good + " SUCCESS\n")) << run.err;
  EXPECT_EQ(Deutool({"check", "web-config", good}).exit_code, 0);
}

}  // namespace
}  // namespace deucalion::tool
