#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scrape/parse/parse_to_text.h"

namespace deucalion::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using namespace std::string_literals;  // NOLINT

std::vector<std::string> Parse(std::string_view body, const ParserOptions& options = {},
                               bool start_times = false) {
  return ParseToText(NewOpenMetricsParser(body, options).get(), start_times);
}

TEST(OpenMetricsParserTest, ReadsEveryKindOfLine) {
  EXPECT_THAT(
      Parse("# HELP gc_seconds A summary.\n"
            "# TYPE gc_seconds summary\n"
            "# UNIT gc_seconds seconds\n"
            "gc_seconds{quantile=\"0\"} 4.5\n"
            "# HELP nohelp \n"
            "# HELP esc \\ \\n \\\\ \\\" \\x chars\n"
            "# UNIT nounit \n"
            "# TYPE goroutines gauge\n"
            "goroutines 33 123.123\n"
            "# TYPE hh histogram\n"
            "hh_bucket{le=\"1\"} 1 # {id=\"x\",yy=\"z\"} 4\n"
            "hh_bucket{le=\"+Inf\"} 1 9 # {} 4 123.123\n"
            "# TYPE gh gaugehistogram\n"
            "# TYPE ii info\n"
            "ii{foo=\"bar\"} 1\n"
            "# TYPE ss stateset\n"
            "# TYPE un unknown\n"
            "# TYPE foo counter\n"
            "foo_total 17.0 1520879607.789 # {\"id.x\"=\"t\"} 5\n"
            "foo_created 1520872607.123\n"
            "{\"a.b\",q=\"1\"} 1\n"
            "# EOF\n"),
      ElementsAre("HELP gc_seconds |A summary.|", "TYPE gc_seconds summary",
                  "UNIT gc_seconds seconds", "gc_seconds{quantile=\"0.0\"} 4.5", "HELP nohelp ||",
                  "HELP esc |\\ \n \\ \" \\x chars|", "UNIT nounit ", "TYPE goroutines gauge",
                  "goroutines 33 @123123", "TYPE hh histogram",
                  "hh_bucket{le=\"1.0\"} 1 # {id=\"x\", yy=\"z\"} 4",
                  "hh_bucket{le=\"+Inf\"} 1 @9000 # {} 4 @123123", "TYPE gh gaugehistogram",
                  "TYPE ii info", "ii{foo=\"bar\"} 1", "TYPE ss stateset", "TYPE un unknown",
                  "TYPE foo counter", "foo_total 17 @1520879607789 # {\"id.x\"=\"t\"} 5",
                  "foo_created 1520872607.123", "{\"a.b\", q=\"1\"} 1", "EOF"));
}

TEST(OpenMetricsParserTest, TurnsCreatedLinesIntoStartTimestamps) {
  EXPECT_THAT(Parse("# TYPE foo counter\n"
                    "foo_total 17.0\n"
                    "foo_created 1520872607.123\n"
                    "foo_total{a=\"b\"} 17.0\n"
                    "foo_total{a=\"c\"} 17.0\n"
                    "foo_created{a=\"c\"} 1520872608\n"
                    "# TYPE bar summary\n"
                    "bar_count 17.0\n"
                    "bar_sum 3\n"
                    "bar{quantile=\"0.95\"} 1\n"
                    "bar_created 1520872608.124\n"
                    "# TYPE fizz_created gauge\n"
                    "fizz_created 17\n"
                    "# EOF\n",
                    {.skip_created_series = true}, /*start_times=*/true),
              ElementsAre("TYPE foo counter", "foo_total 17 st 1520872607123",
                          "foo_total{a=\"b\"} 17", "foo_total{a=\"c\"} 17 st 1520872608000",
                          "TYPE bar summary", "bar_count 17 st 1520872608124",
                          "bar_sum 3 st 1520872608124", "bar{quantile=\"0.95\"} 1 st 1520872608124",
                          "TYPE fizz_created gauge", "fizz_created 17", "EOF"));
}

TEST(OpenMetricsParserTest, LooksForCreatedLinesOnceAFamily) {
  std::string body = "# TYPE foo counter\n";
  for (int i = 0; i < 20'000; ++i) body += "foo_total{i=\"" + std::to_string(i) + "\"} 1\n";
  body += "# EOF\n";
  EXPECT_EQ(Parse(body, {.skip_created_series = true}, true).size(), 20'002u);
}

TEST(OpenMetricsParserTest, AddsTypeAndUnitLabels) {
  EXPECT_THAT(
      Parse("# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 1\nz 2\n# EOF\n",
            {.type_and_unit_labels = true}),
      ElementsAre("TYPE a_bytes counter", "UNIT a_bytes bytes",
                  "a_bytes_total{__type__=\"counter\", __unit__=\"bytes\"} 1", "z 2", "EOF"));
}

TEST(OpenMetricsParserTest, ReportsErrorsInUpstreamsWords) {
  const std::pair<std::string, std::string> kCases[] = {
      {"# EOF", ""},
      {"# EOF\n", ""},
      {"", "data does not end with # EOF"},
      {"\n", R"(expected a valid start token, got "\n" ("INVALID") while parsing: "\n")"},
      {"metric", R"(expected value after metric, got "metric" ("EOF") while parsing: "metric")"},
      {"metric 1", "data does not end with # EOF"},
      {"metric 1\n", "data does not end with # EOF"},
      {"m_total 1 # {aa=\"bb\"} 4", "data does not end with # EOF"},
      {"a\n#EOF\n", R"(expected value after metric, got "\n" ("INVALID") while parsing: "a\n")"},
      {" a 1\n", R"(expected a valid start token, got " " ("INVALID") while parsing: " ")"},
      {"# TYPE u untyped\n", R"(invalid metric type "untyped")"},
      {"# TYPE c counter \n", R"(invalid metric type "counter ")"},
      {"#  TYPE c counter\n",
       R"(expected a valid start token, got "#  " ("INVALID") while parsing: "#  ")"},
      {"# TYPE \n",
       R"(expected metric name after TYPE, got "\n" ("INVALID") while parsing: "# TYPE \n")"},
      {"# TYPE m\n", "expected text in TYPE"},
      {"# UNIT metric suffix\n", R"(unit "suffix" not a suffix of metric "metric")"},
      {"# UNIT metricsuffix suffix\n", R"(unit "suffix" not a suffix of metric "metricsuffix")"},
      {"# UNIT m\n", "expected text in UNIT"},
      {"# HELP m\n", "expected text in HELP"},
      {"a\t1\n", R"(expected value after metric, got "\t" ("INVALID") while parsing: "a\t")"},
      {"a 1\t2\n", R"(strconv.ParseFloat: parsing "1\t2": invalid syntax while parsing: "a 1\t2")"},
      {"a 1 2 \n",
       R"(expected next entry after timestamp, got " \n" ("INVALID") while parsing: "a 1 2 \n")"},
      {"a 1 2 #\n",
       R"(expected next entry after timestamp, got " #\n" ("TIMESTAMP") while parsing: "a 1 2 #\n")"},
      {"a 1 1z\n", R"(strconv.ParseFloat: parsing "1z": invalid syntax while parsing: "a 1 1z")"},
      {"# EOF\na 1", "unexpected data after # EOF"},
      {"# EOF\n\n", "unexpected data after # EOF"},
      {"# EOFa 1", "unexpected data after # EOF"},
      {"#\tTYPE c counter\n",
       R"(expected a valid start token, got "#\t" ("INVALID") while parsing: "#\t")"},
      {"# TYPE c  counter\n", R"(invalid metric type " counter")"},
      {"a{b='c'} 1\n", R"(expected label value, got "'" ("INVALID") while parsing: "a{b='")"},
      {"a{,b=\"c\"} 1\n", R"(expected label name, got ",b" ("COMMA") while parsing: "a{,b")"},
      {"a{b=\"c\"d=\"e\"} 1\n",
       R"(expected comma or brace close, got "d=" ("LNAME") while parsing: "a{b=\"c\"d=")"},
      {"a{b=\"c\",,d=\"e\"} 1\n",
       R"(expected label name, got ",d" ("COMMA") while parsing: "a{b=\"c\",,d")"},
      {"a{b=\"\xff\"} 1\n", R"(invalid UTF-8 label value: "\"\xff\"")"},
      {"x{p=\"\n# EOF\n",
       R"(expected label value, got "\"\n" ("INVALID") while parsing: "x{p=\"\n")"},
      {"m_total 1 # {aa=bb}\n",
       R"(expected label value, got "b" ("INVALID") while parsing: "m_total 1 # {aa=b")"},
      {"m_total 1 # {aa=\"bb\"}\n",
       R"(expected value after exemplar labels, got "\n" ("INVALID") while parsing: "m_total 1 # {aa=\"bb\"}\n")"},
      {R"(m_total 1 # {aa="bb"})",
       R"(expected value after exemplar labels, got "}" ("EOF") while parsing: "m_total 1 # {aa=\"bb\"}")"},
      {R"(m_total 1 # {bb})",
       R"(expected label name, got "}" ("BCLOSE") while parsing: "m_total 1 # {bb}")"},
      {R"(m_total 1 # {aa="bb",cc=})",
       R"(expected label value, got "}" ("INVALID") while parsing: "m_total 1 # {aa=\"bb\",cc=}")"},
      {R"({b="c",} 1)", R"(metric name not set while parsing: "{b=\"c\",} 1")"},
      {"a 1 NaN", "invalid timestamp NaN"},
      {"a 1 -Inf", "invalid timestamp -Inf"},
      {"a 1 Inf", "invalid timestamp +Inf"},
      {"h_bucket{le=\"+Inf\"} 1 # {aa=\"bb\"} 4 NaN", "invalid exemplar timestamp NaN"},
      {"a{b=\"\0"s,
       R"(expected label value, got "\"\x00" ("INVALID") while parsing: "a{b=\"\x00")"},
      {"#", R"(expected a valid start token, got "#" ("INVALID") while parsing: "#")"},
      {"# H", R"(expected a valid start token, got "# H" ("INVALID") while parsing: "# H")"},
      {"m_total 1 # {b=\"\0ss\"} 1\n"s,
       R"(expected label value, got "\"\x00" ("INVALID") while parsing: "m_total 1 # {b=\"\x00")"},
  };
  for (const auto& [body, want] : kCases) {
    const std::string last = Parse(body).back();
    EXPECT_EQ(last, want.empty() ? "EOF" : "error: " + want) << body;
  }
}

TEST(OpenMetricsParserTest, PredictionChangesNothingButTheWork) {
  const std::string body = "a{b=\"1\"} 5\na{b=\"2\"} 6 77\nfoo 1\nfoob 3 # {a=\"b\"} 4\n# EOF\n";
  const std::vector<std::string> want = Parse(body);
  for (const char* prediction : {"a{b=\"1\"}", "a{b=\"2\"}", "foo", "fo", "a", "", "foob"}) {
    auto parser = NewOpenMetricsParser(body, {});
    std::vector<std::string> got;
    Entry entry = Entry::kSeries;
    for (;;) {
      parser->Predict(prediction);
      ASSERT_TRUE(parser->Next(&entry).ok());
      if (entry == Entry::kEof) break;
      got.push_back(SampleText(parser.get(), entry, false));
    }
    got.push_back("EOF");
    EXPECT_THAT(got, ElementsAreArray(want)) << prediction;
  }
}

}  // namespace
}  // namespace deucalion::scrape
