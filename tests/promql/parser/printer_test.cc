#include "promql/printer.h"

#include <gtest/gtest.h>

#include <string>

#include "promql/ast_json.h"
#include "promql/parser/parser.h"
#include "promql/selectors.h"

namespace deucalion::promql {
namespace {

ParsedExpr MustParse(std::string_view text) {
  Result<ParsedExpr> parsed = Parse(text, ParserOptions::AllEnabled());
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
  return *std::move(parsed);
}

TEST(PrettifyTest, LeavesShortExpressionsOnOneLine) {
  EXPECT_EQ(Prettify(*MustParse("sum  by(a)(rate( foo [5m]))").root), "sum by (a) (rate(foo[5m]))");
}

TEST(PrettifyTest, FillsOfBothSidesAreOne) {
  EXPECT_EQ(Prettify(*MustParse("a + fill(NaN) b").root), "a + fill (NaN) b");
  EXPECT_EQ(Prettify(*MustParse("a + fill_left(1) fill_right(2) b").root),
            "a + fill_left (1) fill_right (2) b");
}

TEST(PrettifyTest, BreaksLongNodesAndIndentsTheirParts) {
  const std::string a(60, 'a');
  const std::string b(60, 'b');
  EXPECT_EQ(Prettify(*MustParse(a + " + on(x) " + b).root), "  " + a + "\n+ on (x)\n  " + b);
  EXPECT_EQ(Prettify(*MustParse("sum(" + a + " / " + b + ")").root),
            "sum(\n    " + a + "\n  /\n    " + b + "\n)");
  EXPECT_EQ(Prettify(*MustParse("topk by (x) (5, " + a + " + " + b + ")").root),
            "topk by (x) (\n  5,\n    " + a + "\n  +\n    " + b + "\n)");
  EXPECT_EQ(Prettify(*MustParse("-(" + a + " > bool " + b + ")").root),
            "-(\n    " + a + "\n  > bool\n    " + b + "\n)");
  EXPECT_EQ(Prettify(*MustParse("max_over_time(rate(" + a + a + "[5m])[1h:1m] offset 1d)").root),
            "max_over_time(\n  rate(\n    " + a + a + "[5m]\n  )[1h:1m] offset 1d\n)");
}

TEST(AstJsonTest, WritesEveryKindOfNode) {
  const struct {
    std::string_view text;
    std::string_view want;
  } cases[] = {
      {"1.5", R"({"type":"numberLiteral","val":"1.5"})"},
      {"'<a>'", R"({"type":"stringLiteral","val":"\u003ca\u003e"})"},
      {"-a", R"({"expr":{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"a"}],)"
             R"("name":"a","offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,)"
             R"("timestamp":null,"type":"vectorSelector"},"op":"-","type":"unaryExpr"})"},
      {"(1)", R"({"expr":{"type":"numberLiteral","val":"1"},"type":"parenExpr"})"},
      {"time()",
       R"({"args":[],"func":{"argTypes":[],"name":"time","returnType":"scalar","variadic":0},)"
       R"("type":"call"})"},
      {"{x='y'}[5m+1] @ end() offset -1m",
       R"({"anchored":false,"matchers":[{"name":"x","type":"=","value":"y"}],"name":"",)"
       R"("offset":-60000,"offsetExpr":null,"range":0,"rangeExpr":{"lhs":{"duration":true,)"
       R"("type":"numberLiteral","val":"300"},"op":"+","rhs":{"duration":false,)"
       R"("type":"numberLiteral","val":"1"},"type":"durationExpr","wrapped":false},)"
       R"("smoothed":false,"startOrEnd":"end","timestamp":null,"type":"matrixSelector"})"},
      {"sum(1 + vector(1))[1m:] @ 5",
       R"({"expr":{"expr":{"bool":false,"lhs":{"type":"numberLiteral","val":"1"},"matching":null,)"
       R"("op":"+","rhs":{"args":[{"type":"numberLiteral","val":"1"}],"func":{"argTypes":)"
       R"(["scalar"],"name":"vector","returnType":"vector","variadic":0},"type":"call"},)"
       R"("type":"binaryExpr"},"grouping":[],"op":"sum","param":null,"type":"aggregation",)"
       R"("without":false},"offset":0,"offsetExpr":null,"range":60000,"rangeExpr":null,)"
       R"("startOrEnd":null,"step":0,"stepExpr":null,"timestamp":5000,"type":"subquery"})"},
  };
  for (const auto& c : cases) EXPECT_EQ(AstJson(*MustParse(c.text).root), c.want) << c.text;
  EXPECT_NE(AstJson(*MustParse("a < on(x) group_left(y) fill_left(2) b").root)
                .find(R"("matching":{"card":"many-to-one","fillValues":{"lhs":2,"rhs":null},)"
                      R"("include":["y"],"labels":["x"],"on":true},"op":"\u003c")"),
            std::string::npos);
}

TEST(SelectorsTest, FindsThemInTheOrderOfTheText) {
  std::string names;
  const ParsedExpr e = MustParse("sum(a) + rate(b[5m]) / max_over_time(c[1h:])");
  for (const VectorSelector* v : FindSelectors(*e.root)) {
    names += v->name;
  }
  EXPECT_EQ(names, "abc");
}

}  // namespace
}  // namespace deucalion::promql
