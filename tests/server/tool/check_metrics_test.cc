// What is expected here is what promtool prints.
#include <gtest/gtest.h>

#include "tests/server/tool/run_tool.h"

namespace deucalion::tool {
namespace {

constexpr char kClean[] = R"(# HELP a_x h
# TYPE a_x gauge
a_x{x="1"} 1
a_x{x="2"} 1
# HELP much_longer_metric_name_bytes h
much_longer_metric_name_bytes 1
# HELP hh x
# TYPE hh histogram
hh_bucket{le="1"} 1
hh_bucket{le="+Inf"} 1
hh_sum 1
hh_count 1
# HELP summ s
# TYPE summ summary
summ{quantile="0.5"} 1
summ_sum 1
summ_count 1
summ{quantile="0.5",a="b"} 1
summ_sum{a="b"} 1
summ_count{a="b"} 1
# TYPE empty gauge
)";

TEST(ToolCheckMetricsTest, IsSilentAboutCleanMetrics) {
  const ToolRun run = Deutool({"check", "metrics"}, kClean);
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out + run.err, "");
}

TEST(ToolCheckMetricsTest, CountsSeriesOfEachFamily) {
  const ToolRun run = Deutool({"check", "metrics", "--extended", "--lint=none"}, kClean);
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out,
            "Metric                           Cardinality    Percentage    \n"
            "summ                             6              46.15%        \n"
            "hh                               4              30.77%        \n"
            "a_x                              2              15.38%        \n"
            "much_longer_metric_name_bytes    1              7.69%         \n"
            "Total                            13             100%          \n");
}

TEST(ToolCheckMetricsTest, FindsWhatGoesAgainstTheConventions) {
  const ToolRun run = Deutool({"check", "metrics"}, R"(# HELP a_seconds_total h
# TYPE a_seconds_total counter
a_seconds_total{le="1"} 1
a_seconds_total{quantile="1"} 1
a_seconds_total{quantile="1"} 1
# TYPE b_kilometers_days gauge
b_kilometers_days{fooBar="1"} 1
b_kilometers_days{fooBar="2"} 1
# HELP s_milliseconds s
# TYPE s_milliseconds summary
s_milliseconds{quantile="0.5"} 1
s_milliseconds_sum 1
s_milliseconds_count 1
# HELP h_count h
# TYPE h_count gauge
h_count 1
# HELP a:b h
a:b 3
# HELP fooBar_gauge_ms h
# TYPE fooBar_gauge_ms gauge
fooBar_gauge_ms 3
# HELP t_timestamp_seconds h
# TYPE t_timestamp_seconds counter
t_timestamp_seconds 1
# HELP z_total h
# TYPE z_total gauge
z_total 1
# HELP zz_bucket h
# TYPE zz_bucket gauge
zz_bucket 1
)");
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, R"(a:b metric names should not contain ':'
a_seconds_total metric not unique
a_seconds_total non-histogram metrics should not have "le" label
a_seconds_total non-summary metrics should not have "quantile" label
a_seconds_total non-summary metrics should not have "quantile" label
b_kilometers_days label names should be written in 'snake_case' not 'camelCase'
b_kilometers_days label names should be written in 'snake_case' not 'camelCase'
b_kilometers_days no help text
b_kilometers_days use base unit "meters" instead of "kilometers"
fooBar_gauge_ms metric name should not include type 'gauge'
fooBar_gauge_ms metric names should be written in 'snake_case' not 'camelCase'
fooBar_gauge_ms metric names should not contain abbreviated units
h_count non-histogram and non-summary metrics should not have "_count" suffix
s_milliseconds use base unit "seconds" instead of "milliseconds"
t_timestamp_seconds counter metrics should have "_total" suffix
t_timestamp_seconds non-gauge metrics should not have "_timestamp_seconds" suffix
z_total non-counter metrics should not have "_total" suffix
zz_bucket non-histogram metrics should not have "_bucket" suffix
)");
}

TEST(ToolCheckMetricsTest, RefusesWhatItCannotRead) {
  const ToolRun broken = Deutool({"check", "metrics"}, "a{ 1\n");
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_TRUE(broken.err.starts_with("error while linting: ")) << broken.err;
  const ToolRun idle = Deutool({"check", "metrics", "--lint=none"}, "a 1\n");
  EXPECT_EQ(idle.exit_code, 1);
  EXPECT_TRUE(idle.err.starts_with("error: at least one of --extended or linting")) << idle.err;
}

}  // namespace
}  // namespace deucalion::tool
