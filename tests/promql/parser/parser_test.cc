#include "promql/parser/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "promql/printer.h"

namespace deucalion::promql {
namespace {

std::string PrintOrError(std::string_view text, const ParserOptions& options) {
  Result<ParsedExpr> parsed = Parse(text, options);
  return parsed.ok() ? Print(*parsed->root) : parsed.status().message();
}

std::string PrintOrError(std::string_view text) {
  return PrintOrError(text, ParserOptions::AllEnabled());
}

struct Case {
  std::string_view text;
  std::string_view want;
};

TEST(ParserTest, PrintsExpressionsInTheirNormalForm) {
  const Case cases[] = {
      // Numbers.
      {"1", "1"},
      {"+Inf", "+Inf"},
      {"-inf", "-Inf"},
      {"nAn", "NaN"},
      {".5", "0.5"},
      {"5.", "5"},
      {"5e-3", "0.005"},
      {"0xc", "12"},
      {"0x_AB", "171"},
      {"0755", "493"},
      {"08", "8"},
      {"1_000", "1000"},
      {"1_0.2_5e0_1", "102.5"},
      {"5m", "5m"},
      {"-90s", "-1m30s"},
      {"1h30m", "1h30m"},
      // Strings.
      {R"("a\tb\x41\u00e9\"")", R"("a\tbAé\"")"},
      {R"('it\'s')", R"("it's")"},
      {"`raw\\n\n`", R"("raw\\n\n")"},
      // Precedence.
      {"-1^2", "-1 ^ 2"},
      {"1 + 2/(3*1)", "1 + 2 / (3 * 1)"},
      {"2^3^2", "2 ^ 3 ^ 2"},
      {"foo and bar unless baz or qux", "foo and bar unless baz or qux"},
      {"a ATAN2 b", "a atan2 b"},
      {"1 < bool 2 - 1 * 2", "1 < bool 2 - 1 * 2"},
      {"h </ 3 + 1", "h </ 3 + 1"},
      {"h >/ 3", "h >/ 3"},
      // Matching.
      {"a - on() b", "a - on () b"},
      {"a - ignoring() b", "a - b"},
      {"a * ignoring(c) group_left b", "a * ignoring (c) group_left () b"},
      {R"(a + on(x, "y z",) group_right(w) b)", R"(a + on (x, "y z") group_right (w) b)"},
      {"a + fill(-1) b", "a + fill (-1) b"},
      {"a + fill_right(2) fill_left(1) b", "a + fill_left (1) fill_right (2) b"},
      {"a / on(x) group_left() fill_left(1e30) b", "a / on (x) group_left () fill_left (1e+30) b"},
      {"fill + fill_left", "fill + fill_left"},
      // Selectors.
      {"foo", "foo"},
      {"foo:bar:baz", "foo:bar:baz"},
      {R"({__name__="foo",a!="b",c=~".*",d!~'x',})", R"({__name__="foo",a!="b",c=~".*",d!~"x"})"},
      {R"({"my.metric", "my.label"="x"})", R"({"my.label"="x",__name__="my.metric"})"},
      {"foo{ # why\n a = 'b' }", R"(foo{a="b"})"},
      {"sum", "sum"},
      {"a + sum", "a + sum"},
      {"offset{step='1s'}[5m]", R"(offset{step="1s"}[5m])"},
      {"step", "step"},
      {"start + end", "start + end"},
      {"anchored anchored", "anchored anchored"},
      {"min_of", "min_of"},
      {"foo @ 1603774568", "foo @ 1603774568.000"},
      {"foo @ -100.5 offset 1h", "foo @ -100.500 offset 1h"},
      {"foo offset -5m @ start()", "foo @ start() offset -5m"},
      {"foo OFFSET 1.5", "foo offset 1s500ms"},
      {"foo[300] offset 1d", "foo[5m] offset 1d"},
      {"foo[5m] smoothed @ end()", "foo[5m] smoothed @ end()"},
      {"foo smoothed offset 1m", "foo smoothed offset 1m"},
      {"rate(foo[5m])[1h:]", "rate(foo[5m])[1h:]"},
      {"foo[1h:30s] @ 5 offset -1m", "foo[1h:30s] @ 5.000 offset -1m"},
      {"foo offset 1m [10m:5s]", "foo offset 1m[10m:5s]"},
      // Durations with operators.
      {"foo[5m+1m*2]", "foo[5m + 1m * 2]"},
      {"foo[(5m+1m)*2]", "foo[(5m + 1m) * 2]"},
      {"foo[2^3^2s]", "foo[2 ^ 3 ^ 2s]"},
      {"foo[step()+range()]", "foo[step() + range()]"},
      {"foo[min_of(step(), 1m):max_of(1s,2)]", "foo[min_of(step(), 1m):max_of(1s, 2)]"},
      {"foo[-(-5m)]", "foo[-(-5m)]"},
      {"foo offset (1m+step())", "foo offset (1m + step())"},
      {"foo offset -min_of(5s, step())", "foo offset -min_of(5s, step())"},
      {"foo offset -2^2", "foo offset -2s ^ 2"},
      {"foo offset 1m+1m", "foo offset 1m + 1m"},
      {"foo offset step()*2", "foo offset step() * 2"},
      {"foo[(5m)]", "foo[(5m)]"},
      {"foo[5m:(10)]", "foo[5m:(10)]"},
      // Calls and aggregations.
      {"time()", "time()"},
      {"round(foo, 5)", "round(foo, 5)"},
      {"label_join(a, 'b', ',')", R"(label_join(a, "b", ","))"},
      {"sum by() (x)", "sum(x)"},
      {"sum(x) BY (a, b,)", "sum by (a, b) (x)"},
      {"sum without() (x)", "sum without () (x)"},
      {"topk by (a) (5, x)", "topk by (a) (5, x)"},
      {"count_values('v', x)", R"(count_values("v", x))"},
      {"limit_ratio(-0.5, x)", "limit_ratio(-0.5, x)"},
      {"sum without(and, by, avg, count, on, bool) (x)",
       "sum without (and, by, avg, count, on, bool) (x)"},
      {"range() + step() + start() + end()", "range() + step() + start() + end()"},
      {"min_of(1, 2)", "min_of(1, 2)"},
      {R"(info(a, {x="y"}))", R"(info(a, {x="y"}))"},
      {"info(a, {})", "info(a, {})"},
      {"# first\nfoo # second\n", "foo"},
      {"-some_metric", "-some_metric"},
      {"--1", "1"},
      {"+-+foo", "+-+foo"},
  };
  for (const Case& c : cases) EXPECT_EQ(PrintOrError(c.text), c.want) << c.text;
}

TEST(ParserTest, SaysWhatIsWrongAndWhere) {
  const Case cases[] = {
      {"", "unknown position: parse error: no expression found in input"},
      {"# nothing\n\n", "1:1: parse error: no expression found in input"},
      {"1+", "1:3: parse error: unexpected end of input"},
      {"foo +\n  *", "2:3: parse error: unexpected <op:*>"},
      {".", "1:1: parse error: unexpected character: '.'"},
      {"2.5.", "1:1: parse error: bad number or duration syntax: \"2.5.\""},
      {"100..4", "1:1: parse error: bad number or duration syntax: \"100..\""},
      {"0deadbeef", "1:1: parse error: bad number or duration syntax: \"0de\""},
      {"foo[5mm]", "1:5: parse error: bad number or duration syntax: \"5mm\""},
      {"foo[5m:1m1]", "1:8: parse error: bad number or duration syntax: \"1m1\""},
      {"5x", "1:1: parse error: bad number or duration syntax: \"5\""},
      {"(1))", "1:5: parse error: unexpected right parenthesis ')'"},
      {"((1)", "1:5: parse error: unclosed left parenthesis"},
      {"1 !~ 1", "1:3: parse error: unexpected character after '!': '~'"},
      {"1 =~ 1", "1:3: parse error: unexpected character after '=': '~'"},
      {"é", "1:1: parse error: unexpected character: 'é'"},
      {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
      {"foo:a b:c", "1:7: parse error: unexpected metric identifier \"b:c\""},
      {"-=", "1:2: parse error: unexpected \"=\""},
      {"foo 1234567890123", "1:5: parse error: unexpected number \"1234567890\"..."},
      {"foo 'abc'", "1:5: parse error: unexpected string \"'abc'\""},
      {"a - on(b) ignoring(c) d", "1:11: parse error: unexpected <ignoring>"},
      // Aggregations.
      {"sum(", "1:5: parse error: unclosed left parenthesis"},
      {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
      {"sum(a b)", "1:7: parse error: unexpected identifier \"b\" in aggregation"},
      {"sum some_metric by (test)", "1:5: parse error: unexpected identifier \"some_metric\""},
      {"sum (x) by test",
       "1:12: parse error: unexpected identifier \"test\" in grouping opts, expected \"(\""},
      {"sum by (1) (x)",
       "1:9: parse error: unexpected number \"1\" in grouping opts, expected label"},
      {"sum by (a b) (x)",
       "1:11: parse error: unexpected identifier \"b\" in grouping opts, expected \",\" or \")\""},
      {"sum without(foo,,)(x)",
       "1:17: parse error: unexpected \",\" in grouping opts, expected label"},
      {"MIN (x) keep_common", "1:9: parse error: unexpected identifier \"keep_common\""},
      {"sum (x) without (a) by (b)", "1:21: parse error: unexpected <by>"},
      {"topk(x)",
       "1:1: parse error: wrong number of arguments for aggregate expression provided, expected "
       "2, got 1"},
      {"topk(x,)", "1:7: parse error: trailing commas not allowed in function call args"},
      {"topk(1, , x)", "1:7: parse error: trailing commas not allowed in function call args"},
      {"abs(x, on", "1:6: parse error: trailing commas not allowed in function call args"},
      {"abs(x, ]", "1:8: parse error: unexpected right bracket ']'"},
      {"topk(a, b)",
       "1:6: parse error: expected type scalar in aggregation parameter, got instant vector"},
      {"count_values(5, b)",
       "1:14: parse error: expected type string in aggregation parameter, got scalar"},
      {"sum(1)",
       "1:5: parse error: expected type instant vector in aggregation expression, got scalar"},
      // Calls.
      {"x()", "1:1: parse error: unknown function with name \"x\""},
      {"floor()", "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 0"},
      {"hour(a, a)", "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 2"},
      {"label_join(a, 'b')",
       "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 2"},
      {"1 + abs('x')",
       "1:9: parse error: expected type instant vector in call to function \"abs\", got string"},
      {"rate(avg)",
       "1:6: parse error: expected type range vector in call to function \"rate\", got instant "
       "vector"},
      {"info(a, b)",
       "1:9: parse error: expected label selectors only, got vector selector instead"},
      {"info(a, a + b)", "1:9: parse error: expected label selectors only"},
      {"a:b()", "1:4: parse error: unexpected \"(\""},
      // Types.
      {"-'a'",
       "1:1: parse error: unary expression only allowed on expressions of type scalar or instant "
       "vector, got \"string\""},
      {"-a[5m]",
       "1:1: parse error: unary expression only allowed on expressions of type scalar or instant "
       "vector, got \"range vector\""},
      {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
      {"a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators"},
      {"1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"},
      {"a or 1", "1:1: parse error: set operator \"or\" not allowed in binary scalar expression"},
      {"a + 'b'",
       "1:5: parse error: binary expression must contain only scalar and instant vector types"},
      {"1 + on(a) b", "1:1: parse error: vector matching only allowed between instant vectors"},
      {"a and on(x) group_left(y) b",
       "1:1: parse error: no grouping allowed for \"and\" operation"},
      {"a + on(x) group_left(x) b",
       "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once"},
      {"a and fill(1) b",
       "1:1: parse error: filling in missing series not allowed for set operators"},
      {"a + fill(1) 2",
       "1:1: parse error: filling in missing series only allowed between instant vectors"},
      {"a[5m][5m:]",
       "1:1: parse error: subquery is only allowed on instant vector, got matrix instead"},
      {"a + on(x) group_left",
       "1:21: parse error: unexpected end of input in grouping opts, expected \"(\""},
      {"a + on(x) group_right * b",
       "1:23: parse error: unexpected <op:*> in grouping opts, expected \"(\""},
      // Selectors.
      {"{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"{x=''}", "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"{x=~'.*'}",
       "1:1: parse error: vector selector must contain at least one non-empty matcher"},
      {"foo{__name__='bar'}",
       "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""},
      {"{", "1:2: parse error: unexpected end of input inside braces"},
      {"}", "1:1: parse error: unexpected character: '}'"},
      {"foo{gibberish}",
       "1:14: parse error: unexpected \"}\" in label matching, expected label matching operator"},
      {"foo{1}", "1:5: parse error: unexpected character inside braces: '1'"},
      {"foo{a=b}",
       "1:7: parse error: unexpected identifier \"b\" in label matching, expected string"},
      {"foo{a='b' c='d'}",
       "1:11: parse error: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
      {"foo{,}",
       "1:5: parse error: unexpected \",\" in label matching, expected identifier or \"}\""},
      {"foo{a>'b'}", "1:6: parse error: unexpected character inside braces: '>'"},
      {"foo{a!b}", "1:6: parse error: unexpected character after '!' inside braces: 'b'"},
      {"foo{{", "1:5: parse error: unexpected left brace '{'"},
      {"foo{a='b}", "1:7: parse error: unterminated quoted string"},
      // Ranges, offsets, @.
      {"foo[", "1:5: parse error: unexpected end of input in duration expression"},
      {"foo[]",
       "1:5: parse error: unexpected \"]\" in subquery or range selector, expected number, "
       "duration, step(), or range()"},
      {"foo[5m", "1:7: parse error: unclosed left bracket"},
      {"foo[-1]", "1:5: parse error: duration must be greater than 0"},
      {"foo[0m]", "1:5: parse error: duration must be greater than 0"},
      {"foo[5m:0]", "1:8: parse error: duration must be greater than 0"},
      {"foo['5m']", "1:5: parse error: unexpected character in duration expression: '\\''"},
      {"foo[5m foo]", "1:8: parse error: unexpected character: 'f', expected ':'"},
      {"foo[5m 1]",
       "1:8: parse error: unexpected number \"1\" in subquery or range, expected \":\" or \"]\""},
      {"foo[5m:1m 1]",
       "1:11: parse error: unexpected number \"1\" in subquery selector, expected \"]\""},
      {"foo]", "1:4: parse error: unexpected right bracket ']'"},
      {"foo[5m/0]", "1:7: parse error: division by zero"},
      {"foo[5m%0]", "1:7: parse error: modulo by zero"},
      {"foo[99999999999]", "1:5: parse error: duration out of range"},
      {"(foo + bar)[5m]", "1:12: parse error: ranges only allowed for vector selectors"},
      {"foo offset 1m[5m]", "1:14: parse error: no offset modifiers allowed before range"},
      {"foo @ 1 [5m]", "1:9: parse error: no @ modifiers allowed before range"},
      {"foo offset",
       "1:11: parse error: unexpected end of input in offset, expected number, duration, step(), "
       "or range()"},
      {"1 offset 1d",
       "1:1: parse error: offset modifier must be preceded by an instant vector selector or range "
       "vector selector or a subquery"},
      {"foo offset 1s offset 2s", "1:1: parse error: offset may not be set multiple times"},
      {"foo @", "1:6: parse error: unexpected end of input in @, expected timestamp"},
      {"foo @ start", "1:12: parse error: unexpected end of input in @, expected timestamp"},
      {"foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
      {"foo @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf"},
      {"foo @ 1e20",
       "1:1: parse error: timestamp out of bounds for @ modifier: 100000000000000000000.000000"},
      {"rate(x[5m]) @ 1234",
       "1:1: parse error: @ modifier must be preceded by an instant vector selector or range "
       "vector selector or a subquery"},
      {"foo[5m:] anchored", "1:1: parse error: anchored modifier is not supported for subqueries"},
      {"foo anchored smoothed",
       "1:1: parse error: anchored and smoothed modifiers cannot be used together"},
      {"1 smoothed", "1:1: parse error: smoothed modifier not implemented"},
      // Strings.
      {"\"a\nb\"", "1:1: parse error: unterminated quoted string"},
      {"`a", "1:1: parse error: unterminated raw string"},
      {"\"\\", "1:1: parse error: escape sequence not terminated"},
      {"\"\\c\"", "1:1: parse error: unknown escape sequence U+0063 'c'"},
      {"\"\\x.\"", "1:1: parse error: illegal character U+002E '.' in escape sequence"},
      {"\"\\uD800\"", "1:1: parse error: escape sequence is an invalid Unicode code point"},
      {"'\xff'", "1:1: parse error: invalid UTF-8 rune"},
  };
  for (const Case& c : cases) EXPECT_EQ(PrintOrError(c.text), c.want) << c.text;
}

TEST(ParserTest, KeepsExperimentsBehindTheirFlags) {
  const ParserOptions defaults;
  const Case cases[] = {
      {"limitk(1, x)",
       "1:1: parse error: limitk() is experimental and must be enabled with "
       "--enable-feature=promql-experimental-functions"},
      {"1 + step()", "1:5: parse error: function \"step\" is not enabled"},
      {"foo anchored", "1:1: parse error: anchored modifier is experimental and not enabled"},
      {"a + fill(1) b", "1:1: parse error: binop fill modifiers are experimental and not enabled"},
      {"foo[5m+step()]", "foo[5m + step()]"},
      {"first_over_time(x[5m])", "first_over_time(x[5m])"},
  };
  for (const Case& c : cases) EXPECT_EQ(PrintOrError(c.text, defaults), c.want) << c.text;
  ParserOptions no_durations;
  no_durations.duration_expressions = false;
  EXPECT_EQ(PrintOrError("foo[5m+1m]", no_durations),
            "1:5: parse error: experimental duration expression is not enabled");
  EXPECT_EQ(PrintOrError("foo[5m] offset -1m", no_durations), "foo[5m] offset -1m");
}

TEST(ParserTest, PointsEveryNodeAtItsText) {
  const std::string text = "sum by (a) (rate(foo{b='c'}[5m] offset 1m)) / (1 + bar @ 5)[5m:]";
  // Types do not fit, so only the part that does.
  Result<ParsedExpr> parsed = Parse(text.substr(0, text.size() - 5));
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  std::vector<std::string> spans;
  const auto visit = [&](const auto& self, const Expr& e) -> void {
    spans.push_back(parsed->text->substr(e.span.begin, e.span.end - e.span.begin));
    ForEachChild(e, [&](const Expr& child) { self(self, child); });
  };
  visit(visit, *parsed->root);
  const std::vector<std::string> want = {
      "sum by (a) (rate(foo{b='c'}[5m] offset 1m)) / (1 + bar @ 5)",
      "sum by (a) (rate(foo{b='c'}[5m] offset 1m))",
      "rate(foo{b='c'}[5m] offset 1m)",
      "foo{b='c'}[5m] offset 1m",
      "foo{b='c'}",
      "(1 + bar @ 5)",
      "1 + bar @ 5",
      "1",
      "bar @ 5",
  };
  EXPECT_EQ(spans, want);
}

TEST(ParserTest, RefusesNestingThatWouldExhaustAStack) {
  const auto repeat = [](std::string_view piece, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += piece;
    return out;
  };
  const std::string towers[] = {
      repeat("(", 100000),
      repeat("-", 100000) + "a",
      repeat("abs(", 100000),
      "a" + repeat(" + a", 100000),
      repeat("1^", 100000) + "1",
      "a[" + repeat("(", 100000),
      "a[" + repeat("1+", 100000) + "1]",
      "a[" + repeat("-", 100000) + "1]",
      "a" + repeat("[1m:]", 100000),
  };
  for (const std::string& text : towers) {
    const std::string got = PrintOrError(text);
    EXPECT_NE(got.find("expression is nested too deeply, more than 1000 levels"), std::string::npos)
        << text.substr(0, 20) << ": " << got.substr(0, 200);
  }
  const std::string high = repeat("(", 400) + "a" + repeat(" + a", 400) + repeat(")", 400);
  EXPECT_EQ(PrintOrError(high), high);
}

TEST(ParserTest, ReadsAMegabyteWithoutLosingTime) {
  std::string text = "foo{a=~'";
  for (int i = 0; i < 1000; ++i) text += "host" + std::to_string(i) + "|";
  text += "'} + sum by (a";
  while (text.size() < 1000000) text += ", label_" + std::to_string(text.size());
  text += ") (bar)";
  EXPECT_TRUE(Parse(text).ok());
  // The same amount of broken input.
  EXPECT_FALSE(Parse(std::string(1000000, '+') + "]").ok());
}

TEST(ParserTest, ReadsOneSelector) {
  Result<std::vector<Matcher>> got = ParseMetricSelector(R"(up{job="a",b!~"c.*"})");
  ASSERT_TRUE(got.ok()) << got.status().message();
  ASSERT_EQ(got->size(), 3u);
  EXPECT_EQ((*got)[0].ToString(), R"(job="a")");
  EXPECT_EQ((*got)[1].ToString(), R"(b!~"c.*")");
  EXPECT_EQ((*got)[2].ToString(), R"(__name__="up")");
  EXPECT_TRUE(ParseMetricSelector("{}").ok());
  EXPECT_EQ(ParseMetricSelector("foo offset 5m").status().message(),
            "1:5: parse error: unexpected <offset>");
  EXPECT_EQ(ParseMetricSelector("1").status().message(),
            "1:1: parse error: unexpected number \"1\"");
  EXPECT_EQ(ParseMetricSelector("").status().message(),
            "unknown position: parse error: unexpected end of input");
}

TEST(ParserTest, ReadsOneSeries) {
  EXPECT_EQ(ParseMetric(R"(up{job="a",})")->ToString(), R"(up{job="a"})");
  EXPECT_EQ(ParseMetric(R"({"my.metric","l l"="x"})")->Get("__name__"), "my.metric");
  EXPECT_EQ(ParseMetric("sum")->Get("__name__"), "sum");
  EXPECT_TRUE(ParseMetric("{}")->empty());
  EXPECT_EQ(ParseMetric("up{a!='b'}").status().message(),
            "1:5: parse error: unexpected <op:!=> in label set, expected \"=\"");
  EXPECT_EQ(ParseMetric("up{a=b}").status().message(),
            "1:6: parse error: unexpected identifier \"b\" in label set, expected string");
}

}  // namespace
}  // namespace deucalion::promql
