// The script runner itself: a backend with fixed answers, right expectations that pass, and each
// expectation made wrong in turn, which must fail that eval and no other.
#include "tests/support/promqltest/runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/value.h"
#include "tests/support/promqltest/at_modifier.h"
#include "tests/support/promqltest/compare.h"

namespace deucalion::promqltest {
namespace {

using promql::QueryResult;

FloatHistogram SomeHistogram() {
  FloatHistogram h;
  h.count = 3;
  h.sum = 5;
  h.positive_spans = {{0, 2}};
  h.positive_buckets = {1, 2};
  h.reset_hint = ResetHint::kNotReset;
  return h;
}

promql::HistogramPtr Shared(FloatHistogram h) {
  return std::make_shared<const FloatHistogram>(std::move(h));
}

// Answers by the text of the query, whatever the time: the selectors stand for fixed results.
class FixedBackend : public TestBackend {
 public:
  Status Clear() override {
    log.push_back("clear");
    return OkStatus();
  }
  Status Append(const Labels& labels, int64_t time_ms, double value, int64_t st_ms) override {
    log.push_back(labels.ToString() + " " + FormatFloatG(value) + "@" + std::to_string(time_ms) +
                  (st_ms != 0 ? " since " + std::to_string(st_ms) : ""));
    return OkStatus();
  }
  Status AppendHistogram(const Labels& labels, int64_t time_ms, const FloatHistogram& histogram,
                         int64_t) override {
    log.push_back(labels.ToString() + " " + histogram.TestExpression() + "@" +
                  std::to_string(time_ms));
    return OkStatus();
  }
  QueryResult Instant(std::string_view query, int64_t time_ms) override {
    ++instants;
    // A range selector fixed by @ gives the same points whenever it is asked.
    return Answer(query, {query.starts_with("matrix") ? 60000 : time_ms}, false);
  }
  QueryResult Range(std::string_view query, int64_t start_ms, int64_t end_ms,
                    int64_t step_ms) override {
    std::vector<int64_t> times;
    for (int64_t t = start_ms; t <= end_ms; t += step_ms) times.push_back(t);
    return Answer(query, times, true);
  }

  std::vector<std::string> log;
  int instants = 0;

 private:
  static QueryResult Answer(std::string_view query, const std::vector<int64_t>& times, bool range);
};

QueryResult FixedBackend::Answer(std::string_view query, const std::vector<int64_t>& times,
                                 bool range) {
  QueryResult out;
  const auto is = [&](std::string_view name) { return query.starts_with(name); };
  if (is("failing")) {
    out.status = Status(StatusCode::kExecution, "it does not work");
    return out;
  }
  if (is("noisy")) {
    out.annotations.Add({promql::AnnotationKind::kWarning, "PromQL warning: careful", 0});
    out.annotations.Add({promql::AnnotationKind::kInfo, "PromQL info: by the way", 2});
  }
  if (is("\"text")) {
    out.value = promql::String{times[0], "text"};
    return out;
  }
  if (is("1") && !range) {
    out.value = promql::Scalar{times[0], 1};
    return out;
  }
  const Labels a{{"x", "a"}};
  const Labels b{{"x", "b"}};
  if (range || is("matrix")) {
    promql::Matrix matrix;
    promql::MatrixSeries first{is("1") ? Labels() : a, times, {}, {}};
    first.values.assign(times.size(), 1);
    matrix.push_back(first);
    if (!is("1")) matrix.push_back({b, {}, {}, {}});
    for (int64_t t : times) {
      if (!is("1")) matrix[1].histograms.push_back({t, Shared(SomeHistogram())});
    }
    out.value = std::move(matrix);
    return out;
  }
  out.value = promql::Vector{{a, times[0], 1, nullptr}, {b, times[0], 0, Shared(SomeHistogram())}};
  return out;
}

struct ScriptCase {
  std::string_view body;
  std::string_view want;  // a part of the failure, "" when it passes
};

void ExpectEach(std::string_view eval, const std::vector<ScriptCase>& cases) {
  for (const ScriptCase& c : cases) {
    FixedBackend backend;
    const std::string script =
        "eval instant at 1m good\n{x=\"a\"} 1\n{x=\"b\"} {{count:3 sum:5 buckets:[1 2]}}\n\n" +
        std::string(eval) + "\n" + std::string(c.body) + "\n\neval instant at 1m 1\n1\n";
    const Report report = RunScript(script, &backend);
    if (c.want.empty()) {
      EXPECT_EQ(report.passed, 3) << script;
      EXPECT_TRUE(report.failures.empty())
          << script << (report.failures.empty() ? "" : report.failures[0].message);
      continue;
    }
    EXPECT_EQ(report.passed, 2) << script;
    EXPECT_EQ(report.failed, 1) << script;
    ASSERT_EQ(report.failures.size(), 1u) << script;
    EXPECT_EQ(report.failures[0].line, 5);
    EXPECT_NE(report.failures[0].message.find(c.want), std::string::npos)
        << script << report.failures[0].message;
  }
}

constexpr std::string_view kA = "{x=\"a\"} 1\n";
constexpr std::string_view kB = "{x=\"b\"} {{count:3 sum:5 buckets:[1 2]}}\n";

std::string Lines(std::initializer_list<std::string_view> lines) {
  std::string out;
  for (std::string_view line : lines) out += line;
  return out;
}

TEST(PromqltestRunnerTest, ChecksInstantVectors) {
  const std::string good = Lines({kA, kB});
  const std::string ordered = Lines({"expect ordered\n", kA, kB});
  const std::string swapped = Lines({"expect ordered\n", kB, kA});
  const std::string missing = Lines({kA});
  const std::string extra = Lines({kA, kB, "{x=\"c\"} 1\n"});
  ExpectEach("eval instant at 1m good",
             {
                 {good, ""},
                 {ordered, ""},
                 {swapped, "at position 2, got it at 1"},
                 {missing, "unexpected series {x=\"b\"}"},
                 {extra, "want series {x=\"c\"} with 1, not found"},
                 {Lines({"{x=\"a\"} 1.0000001\n", kB}), ""},
                 {Lines({"{x=\"a\"} 1.00001\n", kB}), "want 1.00001 for {x=\"a\"}, got 1"},
                 {Lines({"{x=\"a\"} NaN\n", kB}), "want NaN"},
                 {Lines({"m{x=\"a\"} 1\n", kB}), "unexpected series {x=\"a\"}"},
                 {Lines({"{x=\"a\"} {{count:1}}\n", kB}), "got 1"},
                 {Lines({kA, "{x=\"b\"} 3\n"}), "want 3 for {x=\"b\"}, got {{"},
                 {Lines({kA, "{x=\"b\"} {{count:3 sum:5 buckets:[1 3]}}\n"}), "want {{"},
                 {Lines({kA, "{x=\"b\"} {{count:3 sum:5 buckets:[0 1 2 0] offset:-1}}\n"}), ""},
                 {Lines({kA, "{x=\"b\"} {{schema:1 count:3 sum:5 buckets:[1 2]}}\n"}), "want {{"},
                 {Lines({kA,
                         "{x=\"b\"} {{count:3 sum:5 buckets:[1 2] "
                         "counter_reset_hint:not_reset}}\n"}),
                  ""},
                 {Lines({kA,
                         "{x=\"b\"} {{count:3 sum:5 buckets:[1 2] "
                         "counter_reset_hint:unknown}}\n"}),
                  "want {{"},
                 {"1", "want a scalar"},
                 {Lines({kA, "expect fail\n", kB}), "want an error, got none"},
                 {Lines({"{x=\"a\"} 1 2\n"}), "expecting multiple values"},
                 {"{x=\"a\"} 1 oops", "unexpected identifier \"oops\""},
             });
}

TEST(PromqltestRunnerTest, ChecksMatrices) {
  const std::string b2 = "{x=\"b\"} {{count:3 sum:5 buckets:[1 2]}}x1\n";
  ExpectEach("eval range from 0 to 1m step 1m matrix",
             {
                 {Lines({"{x=\"a\"} 1 1\n", b2}), ""},
                 {Lines({"{x=\"a\"} 1 2\n", b2}), "want 2 for {x=\"a\"} at 60000, got 1"},
                 {Lines({"{x=\"a\"} _ 1\n", b2}), "want 1 for {x=\"a\"} at 60000"},
                 {Lines({"{x=\"a\"} 1\n", b2}), "want 1 floats and 0 histograms"},
                 {Lines({"{x=\"a\"} 1 1 1\n", b2}), "cannot return as many"},
                 {Lines({"{x=\"a\"} 1 1\n"}), "unexpected series {x=\"b\"}"},
                 {Lines({"{x=\"a\"} 1 1\n", b2, "{x=\"c\"} 1\n"}), "want series {x=\"c\"}"},
                 {Lines({"expect ordered\n{x=\"a\"} 1 1\n", b2}), "want an ordered result"},
                 {"3", "want a scalar"},
             });
  ExpectEach("eval instant at 1m matrix_selector",
             {
                 {Lines({"expect range vector from 1m to 1m step 1m\n", kA, kB}), ""},
                 {Lines({"expect range vector from 2m to 3m step 1m\n", kA, kB}),
                  "want 1 for {x=\"a\"} at 120000"},
             });
}

TEST(PromqltestRunnerTest, ChecksScalarsStringsAndFailures) {
  ExpectEach("eval instant at 1m 1", {{"1", ""},
                                      {"0x1", ""},
                                      {"2", "want scalar 2, got 1"},
                                      {"{} 1", "want a vector or matrix, got scalar 1"}});
  ExpectEach("eval instant at 1m \"text\"",
             {{"expect string \"text\"", ""},
              {"expect string `text`", ""},
              {"expect string \"other\"", "want string \"other\", got \"text\""},
              {"expect string text", "correctly quoted"}});
  ExpectEach("eval instant at 1m failing",
             {{"expect fail", ""},
              {"expect fail msg: it does not work", ""},
              {"expect fail regex: does (not|never)", ""},
              {"expect fail msg:it does", "want an error matching message \"it does\""},
              {"expect fail regex:^works", "want an error matching pattern"},
              {"{x=\"a\"} 1", "query failed: it does not work"},
              {"expect fail\nexpect fail", "multiple expect fail lines"}});
  ExpectEach("eval_fail instant at 1m failing",
             {{"", ""},
              {"expected_fail_message it does not work", ""},
              {"expected_fail_regexp work$", ""},
              {"expected_fail_message it works", "want an error matching"}});
  ExpectEach("eval_fail instant at 1m good", {{"", "want an error, got none"}});
}

TEST(PromqltestRunnerTest, ChecksAnnotations) {
  const auto with = [](std::string_view expect) { return Lines({expect, "\n", kA, kB}); };
  const std::vector<std::pair<std::string, std::string_view>> bodies = {
      {with("expect warn"), ""},
      {with("expect info"), ""},
      {with("expect warn msg: PromQL warning: careful (1:1)"), ""},
      {with("expect info regex: by the .* \\(1:3\\)"), ""},
      {with("expect warn msg: PromQL warning: careful"), "want a warning matching message"},
      {with("expect warn regex: other"), "want a warning matching pattern"},
      {with("expect warn regex: care\nexpect warn regex: ful"), ""},
      {with("expect warn regex: care\nexpect warn msg: x"), "want a warning matching message"},
      {with("expect no_warn"), "want no warning, got \"PromQL warning: careful (1:1)\""},
      {with("expect no_info"), "want no info"},
      {with("expect no_info\nexpect info"), "info and no_info cannot be used together"},
      {with("expect nothing"), "invalid expected error/annotation type"},
  };
  std::vector<ScriptCase> cases;
  for (const auto& [body, want] : bodies) cases.push_back({body, want});
  ExpectEach("eval instant at 1m noisy", cases);
  const std::string quiet_warn = with("expect warn");
  const std::string quiet = with("expect no_warn\nexpect no_info");
  ExpectEach("eval instant at 1m good", {{quiet, ""}, {quiet_warn, "want a warning, got none"}});
  const std::string plain = Lines({kA, kB});
  ExpectEach("eval_warn instant at 1m good", {{plain, "want a warning, got none"}});
  ExpectEach("eval_info instant at 1m noisy", {{plain, ""}});
}

TEST(PromqltestRunnerTest, LoadsWhatTheScriptSays) {
  FixedBackend backend;
  const Report report = RunScript(R"(
load 1m
  up 1 _ 2
  # a comment ends the block

load_with_nhcb 30s
  h_bucket{le="1"} 1
  h_bucket{le="+Inf"} 3
  h_sum 5
  h_count 3
  c{x="y"}@st -30s-10sx1
  c{x="y"} 1 2

clear
)",
                                  &backend);
  for (const Failure& f : report.failures) ADD_FAILURE() << f.line << ": " << f.message;
  const std::vector<std::string> want = {
      "clear",
      "up 1@0",
      "up 2@120000",
      "h_bucket{le=\"1\"} 1@0",
      "h_bucket{le=\"+Inf\"} 3@0",
      "h_sum 5@0",
      "h_count 3@0",
      "c{x=\"y\"} 1@0 since -30000",
      "c{x=\"y\"} 2@30000 since -10000",
      "h {{schema:-53 count:3 sum:5 custom_values:[1] buckets:[1 2]}}@0",
      "clear",
  };
  EXPECT_EQ(backend.log, want);
}

TEST(PromqltestRunnerTest, SaysWhichCommandsItCannotRead) {
  FixedBackend backend;
  const Report report = RunScript(
      "load 1x\n\nload 1m\n  up 1 2y\n\nfoo\n\neval instant 1m up\n\neval range from 2m to 1m step "
      "1m up\n\nload 1m\n  up@st 1m\n\nload 1m\n  up@st 1m 2m\n  up 1\n\nload 1m\n up@st 1m\n "
      "down 1\n\neval instant at 1m sum(\n",
      &backend);
  std::vector<int> lines;
  for (const Failure& f : report.failures) lines.push_back(f.line);
  EXPECT_EQ(lines, (std::vector<int>{1, 3, 6, 8, 10, 12, 15, 19, 23}));
  EXPECT_EQ(report.passed, 0);
  EXPECT_EQ(report.failed, 3);
}

TEST(AtModifierTest, FixesSelectorsInTime) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"foo", "foo @ 60.000"},
      {"rate(foo[5m] offset 1m) + bar @ 5", "rate(foo[5m] @ 60.000 offset 1m) + bar @ 5.000"},
      {"sum_over_time(foo[5m:1m])", "sum_over_time(foo[5m:1m] @ 60.000)"},
      {"max_over_time(timestamp(foo)[5m:])", "max_over_time(timestamp(foo)[5m:] @ 60.000)"},
      {"foo @ start()", "foo @ 60.000"},
      {"topk(scalar(a), b)", "topk(scalar(a @ 60.000), b @ 60.000)"},
      {"time()", ""},
      {"-(foo + hour(bar))", ""},
  };
  for (const auto& [expr, want] : cases) {
    EXPECT_EQ(WithAtModifier(expr, 60000).value_or(""), want) << expr;
  }
}

TEST(PromqltestRunnerTest, AsksInstantQueriesAtOtherTimes) {
  FixedBackend backend;
  RunScript("eval instant at 1m good\n{x=\"a\"} 1\n{x=\"b\"} {{count:3 sum:5 buckets:[1 2]}}\n",
            &backend);
  EXPECT_EQ(backend.instants, 6);
}

TEST(AlmostEqualTest, ToleratesAMillionth) {
  EXPECT_TRUE(AlmostEqual(1, 1.000001));
  EXPECT_FALSE(AlmostEqual(1, 1.00001));
  EXPECT_TRUE(AlmostEqual(NormalNan(), -NormalNan()));
  EXPECT_FALSE(AlmostEqual(NormalNan(), StaleNan()));
  EXPECT_TRUE(AlmostEqual(StaleNan(), StaleNan()));
  EXPECT_FALSE(AlmostEqual(0, 1e-300));
  EXPECT_TRUE(AlmostEqual(1e308, 1e308 * (1 + 1e-7)));
  EXPECT_FALSE(AlmostEqual(INFINITY, -INFINITY));
}

}  // namespace
}  // namespace deucalion::promqltest
