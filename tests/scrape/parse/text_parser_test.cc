#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scrape/parse/parse_to_text.h"

namespace deucalion::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using namespace std::string_literals;  // NOLINT

std::vector<std::string> Parse(std::string_view body, const ParserOptions& options = {}) {
  return ParseToText(NewTextParser(body, options).get());
}

std::string ErrorOf(std::string_view body) {
  const std::string last = Parse(body).back();
  return last.starts_with("error: ") ? last.substr(7) : "";
}

TEST(TextParserTest, ReadsEveryKindOfLine) {
  EXPECT_THAT(
      Parse("# HELP gc A summary of pauses.\n"
            "# \tTYPE gc summary\n"
            "gc{quantile=\"0\"} 4.9351e-05\n"
            "gc{quantile=\"0.25\",} 7.424100000000001e-05\n"
            "gc{ quantile=\"0.9\", a=\"b\"} 1\n"
            "gc { quantile = \"1.0\" a = \"b\" } 2\n"
            "# Hrandom comment\n"
            "#\n"
            "\n"
            "wind{A=\"2\",c=\"3\"} 12345\n"
            "# HELP nohelp1\n"
            "# HELP nohelp2 \n"
            "gc_count\t99\n"
            "some:rate5m{a_b=\"c\"}\t1\n"
            "# TYPE goroutines gauge\n"
            "goroutines 33  \t123123\n"
            "_x{_l=\"foo\"} NaN\n"
            "esc{l=\"\\\"bar\\\"\\n\\\\\"} +Inf\n"
            "# HELP esc back\\\\slash \\n \\\" line\n"),
      ElementsAre(
          "HELP gc |A summary of pauses.|", "TYPE gc summary", "gc{quantile=\"0.0\"} 0.000049351",
          "gc{quantile=\"0.25\"} 0.00007424100000000001", "gc{a=\"b\", quantile=\"0.9\"} 1",
          "gc{a=\"b\", quantile=\"1.0\"} 2", "COMMENT # Hrandom comment", "COMMENT #",
          "wind{A=\"2\", c=\"3\"} 12345", "HELP nohelp1 ||", "HELP nohelp2 ||", "gc_count 99",
          "some:rate5m{a_b=\"c\"} 1", "TYPE goroutines gauge", "goroutines 33 @123123",
          "_x{_l=\"foo\"} NaN", "esc{l=\"\\\"bar\\\"\\n\\\\\"} +Inf",
          "HELP esc |back\\slash \n \\\" line|", "EOF"));
}

TEST(TextParserTest, ReadsQuotedNames) {
  EXPECT_THAT(
      Parse("# HELP \"go.gc\" help\n"
            "# TYPE \"go.gc\" summary\n"
            "{\"go.gc\",quantile=\"1\"} 1\n"
            "{ \"go.gc\", a= \"b\", } 2\n"
            "{a=\"b\",\"go.gc\"} 3\n"
            "{\"10€ \\\"x\\\"\\n\",\"str©\\n'q'\"=\"6\"} 10.0\n"),
      ElementsAre("HELP go.gc |help|", "TYPE go.gc summary", "{\"go.gc\", quantile=\"1.0\"} 1",
                  "{\"go.gc\", a=\"b\"} 2", "{\"go.gc\", a=\"b\"} 3",
                  "{\"10€ \\\"x\\\"\\n\", \"str©\\n'q'\"=\"6\"} 10", "EOF"));
}

TEST(TextParserTest, AcceptsBodyWithoutFinalNewline) {
  EXPECT_THAT(Parse("a 1"), ElementsAre("a 1", "EOF"));
  EXPECT_THAT(Parse(""), ElementsAre("EOF"));
  EXPECT_THAT(Parse("# EOF"), ElementsAre("COMMENT # EOF", "EOF"));
}

TEST(TextParserTest, KeepsNulBytesWhereTextIsFree) {
  EXPECT_THAT(Parse("n{a=\"abc\0\"} 1\n"s), ElementsAre("n{a=\"abc\\x00\"} 1", "EOF"));
  EXPECT_THAT(Parse("# HELP m foo\0bar\n"s), ElementsAre("HELP m |foo\0bar|"s, "EOF"));
}

TEST(TextParserTest, ReportsErrorsInUpstreamsWords) {
  const std::pair<std::string, std::string> kCases[] = {
      {"a", R"(expected value after metric, got "\n" ("INVALID") while parsing: "a\n")"},
      {"a{b='c'} 1\n", R"(expected label value, got "'" ("INVALID") while parsing: "a{b='")"},
      {"a{b=\n", R"(expected label value, got "\n" ("INVALID") while parsing: "a{b=\n")"},
      {"a{\xff=\"foo\"} 1\n",
       R"(expected label name, got "\xff" ("INVALID") while parsing: "a{\xff")"},
      {"a{b=\"\xff\"} 1\n", R"(invalid UTF-8 label value: "\"\xff\"")"},
      {R"({"a", "b = "c"})",
       R"(expected equal, got "c\"" ("LNAME") while parsing: "{\"a\", \"b = \"c\"")"},
      {R"({"a",b\nc="d"} 1)",
       R"(expected equal, got "\\" ("INVALID") while parsing: "{\"a\",b\\")"},
      {"a true\n", R"(strconv.ParseFloat: parsing "true": invalid syntax while parsing: "a true")"},
      {"x{problem=\"",
       R"(expected label value, got "\"\n" ("INVALID") while parsing: "x{problem=\"\n")"},
      {"e{=\"\"} 0", R"(expected label name, got "=\"" ("EQUAL") while parsing: "e{=\"")"},
      {"foo 1_2\n", R"(unsupported character in float while parsing: "foo 1_2")"},
      {"foo 0x1p-3\n", R"(unsupported character in float while parsing: "foo 0x1p-3")"},
      {"foo 0 1_2\n",
       R"(expected next entry after timestamp, got "_" ("INVALID") while parsing: "foo 0 1_")"},
      {R"({a="ok"} 1)", R"(metric name not set while parsing: "{a=\"ok\"} 1")"},
      {R"(a{"b"} 1)", R"(metric name already set while parsing: "a{\"b\"}")"},
      {"# TYPE #\n",
       R"(expected metric name after TYPE, got "#" ("INVALID") while parsing: "# TYPE #")"},
      {"# TYPE a bogus\n", R"(invalid metric type "bogus")"},
      {"# HELP a \xff\n", R"(help text "\xff" is not a valid utf8 string)"},
      {"a{b=\0\"s\"} 1\n"s,
       R"(expected label value, got "\x00" ("INVALID") while parsing: "a{b=\x00")"},
      {"a{b=\"\0"s,
       R"(expected label value, got "\"\x00\n" ("INVALID") while parsing: "a{b=\"\x00\n")"},
      {"a{b\0=\"h\"}\t1"s, R"(expected equal, got "\x00" ("INVALID") while parsing: "a{b\x00")"},
      {"a\0{b=\"d\"} 1"s,
       R"(expected value after metric, got "\x00" ("INVALID") while parsing: "a\x00")"},
      {"a 0 1\0"s,
       R"(expected next entry after timestamp, got "\x00" ("INVALID") while parsing: "a 0 1\x00")"},
      {"9a 1\n", R"(expected a valid start token, got "9" ("INVALID") while parsing: "9")"},
      {"a 1e400\n",
       R"(strconv.ParseFloat: parsing "1e400": value out of range while parsing: "a 1e400")"},
  };
  for (const auto& [body, want] : kCases) EXPECT_EQ(ErrorOf(body), want) << body;
}

TEST(TextParserTest, RefusesLabelNameGivenTwice) {
  EXPECT_THAT(Parse("a{b=\"1\",b=\"2\"} 1\n"),
              ElementsAre("labels: label name \"b\" is not unique: invalid sample", "EOF"));
}

TEST(TextParserTest, CutsEndlessLinesInErrors) {
  EXPECT_LT(ErrorOf("a{b=\"" + std::string(1 << 20, 'x')).size(), 10'000u);
}

TEST(TextParserTest, ReadsNumbersAsExactlyAsTheLibrary) {
  for (const char* number : {"0",
                             "-0",
                             "1",
                             "123456789012345678",
                             "9007199254740993",
                             "0.1",
                             "1e22",
                             "1e23",
                             "1e-22",
                             "123.456e3",
                             ".5",
                             "5.",
                             "1E5",
                             "4.9e-324",
                             "1.7976931348623157e308",
                             "0.30000000000000004",
                             "123456789.123456789",
                             "1e+3",
                             "-1.5e-7",
                             "00012"}) {
    double want = 0;
    ASSERT_TRUE(ParseFloatFast(number, &want)) << number;
    const std::string body = "a " + std::string(number) + "\n";
    auto parser = NewTextParser(body, {});
    Entry entry;
    ASSERT_TRUE(parser->Next(&entry).ok()) << number;
    EXPECT_EQ(std::bit_cast<uint64_t>(parser->value()), std::bit_cast<uint64_t>(want)) << number;
  }
}

TEST(TextParserTest, PredictionChangesNothingButTheWork) {
  const std::string body = "a{b=\"1\"} 5\na{b=\"2\"} 6 77\nfoo 1\nfoo {x=\"y\"} 2\nfoob 3\n";
  const std::vector<std::string> want = Parse(body);
  for (const char* prediction : {"a{b=\"1\"}", "a{b=\"2\"}", "foo", "fo", "a", "", "foob"}) {
    auto parser = NewTextParser(body, {});
    std::vector<std::string> got;
    Entry entry = Entry::kSeries;
    for (;;) {
      parser->Predict(prediction);
      ASSERT_TRUE(parser->Next(&entry).ok());
      if (entry == Entry::kEof) break;
      if (parser->predicted()) {
        EXPECT_EQ(parser->series(), prediction);
      }
      got.push_back(SampleText(parser.get(), entry, false));
    }
    got.push_back("EOF");
    EXPECT_THAT(got, ElementsAreArray(want)) << prediction;
  }
}

TEST(TextParserTest, AddsTypeLabelsOfTheSeriesFamilyOnly) {
  EXPECT_THAT(Parse("# TYPE c counter\nc_total 1\nc_total{__type__=\"gauge\"} 2\nother 3\n",
                    {.type_and_unit_labels = true}),
              ElementsAre("TYPE c counter", "c_total{__type__=\"counter\"} 1",
                          "c_total{__type__=\"counter\"} 2", "other 3", "EOF"));
}

TEST(NhcbParserTest, CollectsClassicHistograms) {
  const std::string body =
      "# TYPE h histogram\n"
      "h_bucket{le=\"1\",p=\"a\"} 1\n"
      "h_bucket{le=\"2\",p=\"a\"} 3\n"
      "h_bucket{le=\"+Inf\",p=\"a\"} 4\n"
      "h_sum{p=\"a\"} 7\n"
      "h_count{p=\"a\"} 4\n"
      "h_bucket{le=\"+Inf\",p=\"b\"} 0\n"
      "h_sum{p=\"b\"} 0\n"
      "h_count{p=\"b\"} 0\n"
      "# TYPE g gauge\n"
      "g 1\n";
  auto parser = NewNhcbParser(NewTextParser(body, {}), /*keep_classic=*/false);
  const std::vector<std::string> got = ParseToText(parser.get());
  ASSERT_EQ(got.size(), 6u);
  EXPECT_THAT(got[1], ::testing::StartsWith("h{p=\"a\"} {{schema:-53 "));
  EXPECT_THAT(got[1], ::testing::HasSubstr("custom_values:[1 2]"));
  EXPECT_THAT(got[2], ::testing::StartsWith("h{p=\"b\"} {{schema:-53"));
  EXPECT_THAT(got[3], "TYPE g gauge");
  auto both = NewNhcbParser(NewTextParser(body, {}), /*keep_classic=*/true);
  EXPECT_EQ(ParseToText(both.get()).size(), 6u + 8u);
}

}  // namespace
}  // namespace deucalion::scrape
