#include <gtest/gtest.h>

#include "scrape/parse/parser.h"

namespace deucalion::scrape {
namespace {

struct Case {
  const char* header;
  const char* fallback;
  const char* type;     // "" = fails
  const char* message;  // of the error or warning
};

TEST(ContentTypeTest, PicksParserOrSaysWhyNot) {
  const Case kCases[] = {
      {"text/plain; version=0.0.4; charset=utf-8", "", "text/plain", ""},
      {"application/openmetrics-text;version=1.0.0", "", "application/openmetrics-text", ""},
      {"TEXT/Plain", "", "text/plain", ""},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
       "", "application/vnd.google.protobuf", ""},
      {"", "", "",
       "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol "
       "specified for target"},
      {"", "text/plain", "text/plain",
       "non-compliant scrape target sending blank Content-Type, using fallback_scrape_protocol "
       "\"text/plain\""},
      {"text/html; charset=utf-8", "", "",
       "received unsupported Content-Type \"text/html; charset=utf-8\" and no "
       "fallback_scrape_protocol specified for target"},
      {"text/html", "text/plain", "text/plain",
       "received unsupported Content-Type \"text/html\", using fallback_scrape_protocol "
       "\"text/plain\""},
      {"invalid/invalid/invalid", "", "",
       "cannot parse Content-Type \"invalid/invalid/invalid\" and no fallback_scrape_protocol for "
       "target\nmime: unexpected content after media subtype"},
  };
  for (const Case& c : kCases) {
    Status warning;
    const Result<std::string> got = ExtractMediaType(c.header, c.fallback, &warning);
    EXPECT_EQ(got.ok() ? *got : "", c.type) << c.header;
    EXPECT_EQ(got.ok() ? (warning.ok() ? "" : warning.message()) : got.status().message(),
              c.message)
        << c.header;
  }
}

TEST(ContentTypeTest, KnowsWhichSeriesBelongToAFamily) {
  EXPECT_TRUE(IsSeriesOfFamily("a_total", "a", MetricKind::kCounter));
  EXPECT_TRUE(IsSeriesOfFamily("a_total", "a_total", MetricKind::kCounter));
  EXPECT_TRUE(IsSeriesOfFamily("a_bucket", "a", MetricKind::kHistogram));
  EXPECT_TRUE(IsSeriesOfFamily("a", "a", MetricKind::kGauge));
  EXPECT_FALSE(IsSeriesOfFamily("a_sum", "a", MetricKind::kGauge));
  EXPECT_FALSE(IsSeriesOfFamily("ab", "a", MetricKind::kCounter));
  EXPECT_FALSE(IsSeriesOfFamily("a_sums", "a", MetricKind::kSummary));
}

}  // namespace
}  // namespace deucalion::scrape
