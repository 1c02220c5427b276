#include <gtest/gtest.h>

#include "tests/server/tool/run_tool.h"

namespace deucalion::tool {
namespace {

TEST(ToolCommandLineTest, PrintsVersionAndHelpOnStandardOutput) {
  const ToolRun version = Deutool({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.out, "deutool, version test\n");
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--help"}, {"-h"}, {"check", "config", "--help"}}) {
    const ToolRun help = Deutool(args);
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_NE(help.out.find("Usage: deutool"), std::string::npos) << help.out;
    EXPECT_EQ(help.err, "");
  }
}

TEST(ToolCommandLineTest, RefusesWhatItDoesNotKnow) {
  struct {
    std::vector<std::string> args;
    std::string want;
  } cases[] = {
      {{}, "A subcommand is required"},
      {{"check"}, "A subcommand is required"},
      {{"frobnicate"}, "expected command but got \"frobnicate\""},
      {{"check", "frobnicate", "x"}, "expected command but got \"frobnicate\""},
      {{"check", "config", "/nowhere.yml"}, "path '/nowhere.yml' does not exist"},
      {{"check", "config"}, "config-files is required"},
      {{"check", "--query.lookback-delta=soon", "rules"}, "--query.lookback-delta"},
      {{"test", "rules", "a.yml"}, "test rules: not supported yet"},
  };
  for (const auto& c : cases) {
    const ToolRun run = Deutool(c.args);
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_EQ(run.out, "");
    EXPECT_TRUE(run.err.starts_with("deutool: error: ")) << run.err;
    EXPECT_NE(run.err.find(c.want), std::string::npos) << run.err;
  }
}

TEST(ToolCommandLineTest, FeaturesApplyWhereverTheFlagStands) {
  const std::string query = "sort_by_label(up, \"job\")";
  EXPECT_EQ(Deutool({"--experimental", "promql", "format", query}).exit_code, 1);
  EXPECT_EQ(Deutool({"--enable-feature=promql-experimental-functions", "--experimental", "promql",
                     "format", query})
                .exit_code,
            0);
  const ToolRun behind = Deutool({"promql", "format", query, "--experimental",
                                  "--enable-feature=x,promql-experimental-functions"});
  EXPECT_EQ(behind.exit_code, 0);
  EXPECT_EQ(behind.out,
            "  WARNING: Unknown feature passed to --enable-feature: x\n" + query + "\n");
}

}  // namespace
}  // namespace deucalion::tool
