#include "server/http/exposition_format.h"

#include <gtest/gtest.h>

namespace deucalion::http {
namespace {

constexpr std::string_view kProtobuf =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

ExpositionFormat Of(const std::string& accept) { return ExpositionFormat::Negotiate(accept, true); }

TEST(ExpositionFormatTest, IsNegotiatedByTypeAndQuality) {
  const std::string proto(kProtobuf);
  EXPECT_FALSE(Of("").protobuf);
  EXPECT_FALSE(Of("*/*").protobuf);
  EXPECT_TRUE(Of(proto + ";q=0.6,text/plain;version=0.0.4;q=0.5").protobuf);
  EXPECT_FALSE(Of(proto + ";q=0.4,text/plain;version=0.0.4;q=0.5").protobuf);
  EXPECT_FALSE(Of("application/vnd.google.protobuf").protobuf);
  EXPECT_TRUE(Of(proto + ";q=0.6,*/*").protobuf);
  EXPECT_EQ(Of("text/plain;version=1.0.0;escaping=allow-utf-8").escaping, NameEscaping::kAllowUtf8);
  EXPECT_EQ(Of("text/html").ContentType(),
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
  EXPECT_EQ(Of("text/plain;escaping=dots").ContentType(),
            "text/plain; version=0.0.4; charset=utf-8; escaping=dots");
  EXPECT_EQ(Of("text/plain;escaping=values").escaping, NameEscaping::kValues);
  EXPECT_EQ(Of("text/plain;escaping=what").escaping, NameEscaping::kUnderscores);
}

TEST(ExpositionFormatTest, OpenMetricsIsNotServedButItsEscapingCounts) {
  const ExpositionFormat format =
      Of("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.1");
  EXPECT_FALSE(format.protobuf);
  EXPECT_EQ(format.ContentType(), "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
}

TEST(ExpositionFormatTest, ProtobufIsNotPromisedWhereItCannotBeWritten) {
  EXPECT_FALSE(ExpositionFormat::Negotiate(kProtobuf, false).protobuf);
  EXPECT_EQ(
      ExpositionFormat::Negotiate(std::string(kProtobuf) + ";escaping=values", false).ContentType(),
      "text/plain; version=0.0.4; charset=utf-8; escaping=values");
}

}  // namespace
}  // namespace deucalion::http
