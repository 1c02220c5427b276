#include <gtest/gtest.h>

#include "tests/server/tool/run_tool.h"

namespace deucalion::tool {
namespace {

TEST(ToolPromqlTest, NeedsTheExperimentalFlag) {
  const ToolRun run = Deutool({"promql", "format", "up"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err,
            "This command is experimental and requires the --experimental flag to be set.\n");
}

TEST(ToolPromqlTest, FormatsAndEditsQueries) {
  struct {
    std::vector<std::string> args;
    std::string want;
  } cases[] = {
      {{"format", "sum(rate(a{b=\"c\"}[5m]))by(x)"}, "sum by (x) (rate(a{b=\"c\"}[5m]))"},
      {{"label-matchers", "set", "a{b=\"c\"} / sum(d)", "b", "x"}, "a{b=\"x\"} / sum(d{b=\"x\"})"},
      {{"label-matchers", "set", "-t", "=~", "rate(a[5m])", "b", ".+"}, "rate(a{b=~\".+\"}[5m])"},
      {{"label-matchers", "set", "--type=!=", "a[5m:1m] offset 1h", "b", ""},
       "a{b!=\"\"}[5m:1m] offset 1h"},
      {{"label-matchers", "delete", "a{b=\"c\",b!=\"d\"} + sum(a{b=~\"x\",c=\"d\"})", "b"},
       "a + sum(a{c=\"d\"})"},
      {{"label-matchers", "delete", "a", "b"}, "a"},
  };
  for (auto& c : cases) {
    std::vector<std::string> args = {"--experimental", "promql"};
    args.insert(args.end(), c.args.begin(), c.args.end());
    const ToolRun run = Deutool(args);
    EXPECT_EQ(run.out, c.want + "\n");
    EXPECT_EQ(run.err, "");
    EXPECT_EQ(run.exit_code, 0);
  }
}

TEST(ToolPromqlTest, ReportsWhatIsWrongWithAQuery) {
  struct {
    std::vector<std::string> args;
    std::string want;
  } cases[] = {
      {{"format", "sum("}, "1:5: parse error: "},
      {{"label-matchers", "set", "-t", "=~", "a", "b", "("}, "error parsing regexp: "},
      {{"label-matchers", "set", "-t", "~", "a", "b", "c"}, "deutool: error: --type"},
  };
  for (auto& c : cases) {
    std::vector<std::string> args = {"--experimental", "promql"};
    args.insert(args.end(), c.args.begin(), c.args.end());
    const ToolRun run = Deutool(args);
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_EQ(run.out, "");
    EXPECT_TRUE(run.err.starts_with(c.want)) << run.err;
  }
}

}  // namespace
}  // namespace deucalion::tool
