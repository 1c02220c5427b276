#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/scrape/parse/parse_to_text.h"
#include "tests/support/source_dir.h"

namespace deucalion::scrape {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A counter with unit, exemplar and start time; a gauge with a timestamp; a summary; a classic
// histogram without +Inf bucket; a native histogram that also has classic buckets.
std::string Families() {
  std::ifstream in(SourceDir() + "/tests/fuzz/corpus/protobuf_parser/families.bin",
                   std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

std::vector<std::string> Parse(std::string_view body, const ParserOptions& options = {}) {
  return ParseToText(NewProtobufParser(body, options).get(), /*start_times=*/true);
}

TEST(ProtobufParserTest, LaysOutMetricsAsTextFormatsDo) {
  const std::string body = Families();
  EXPECT_THAT(
      Parse(body, {.ignore_native_histograms = true}),
      ElementsAre("HELP reqs_bytes_total |help|", "UNIT reqs_bytes_total bytes",
                  "TYPE reqs_bytes_total counter",
                  "reqs_bytes_total{a=\"b\"} 5 st 1600000000000 # {id=\"x\"} 1.5 @1700000000005",
                  "HELP g ||", "TYPE g gauge", "g -2.5 @1234", "HELP s ||", "TYPE s summary",
                  "s_count 3", "s_sum 9", "s{quantile=\"0.5\"} 1", "s{quantile=\"1.0\"} 2",
                  "HELP h ||", "TYPE h histogram", "h_count{k=\"v\"} 4", "h_sum{k=\"v\"} 7",
                  "h_bucket{k=\"v\", le=\"1.0\"} 1 # {id=\"x\"} 1.5 @1700000000005",
                  "h_bucket{k=\"v\", le=\"2.0\"} 3", "h_bucket{k=\"v\", le=\"+Inf\"} 4",
                  "HELP n ||", "TYPE n histogram", "n_count 3", "n_sum 7", "n_bucket{le=\"2.0\"} 3",
                  "n_bucket{le=\"+Inf\"} 3", "EOF"));
}

TEST(ProtobufParserTest, ReturnsNativeHistograms) {
  const std::vector<std::string> got = Parse(Families());
  ASSERT_EQ(got.size(), 24u);
  EXPECT_THAT(got[22], StartsWith("n {{schema:2"));
  EXPECT_THAT(got[22], HasSubstr("count:3"));
  EXPECT_THAT(got[22], HasSubstr("# {id=\"x\"} 1.5 @1700000000005"));
  const std::vector<std::string> both = Parse(Families(), {.keep_classic = true});
  EXPECT_EQ(both.size(), 28u);
}

TEST(ProtobufParserTest, ConvertsClassicHistograms) {
  const std::vector<std::string> got = Parse(Families(), {.convert_classic_to_nhcb = true});
  EXPECT_THAT(got[15], StartsWith("h{k=\"v\"} {{schema:-53"));
}

TEST(ProtobufParserTest, AddsTypeAndUnitLabels) {
  EXPECT_THAT(Parse(Families(), {.type_and_unit_labels = true})[3],
              StartsWith("reqs_bytes_total{__type__=\"counter\", __unit__=\"bytes\", a=\"b\"} 5"));
}

TEST(ProtobufParserTest, EveryTruncationIsAnErrorOrAPrefix) {
  const std::string body = Families();
  for (size_t n = 0; n < body.size(); ++n) {
    const std::string last = Parse(std::string_view(body).substr(0, n)).back();
    EXPECT_TRUE(last == "EOF" || last.starts_with("error: protobufparse: ")) << n << ": " << last;
  }
}

TEST(ProtobufParserTest, ReportsLengthsBeyondTheBody) {
  EXPECT_EQ(Parse("\x05"
                  "ab")
                .back(),
            "error: protobufparse: insufficient length of buffer, expected at least 5 bytes, got 2 "
            "bytes");
}

}  // namespace
}  // namespace deucalion::scrape
