#include "server/remote/auth/sigv4.h"

#include <gtest/gtest.h>

namespace deucalion::remote {
namespace {

// 2015-08-30T12:36:00Z, and the keys of Amazon's published test suite.
constexpr int64_t kSuiteMs = 1'440'938'160'000;
const AwsKeys kSuite{.access_key = "AKIDEXAMPLE",
                     .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};

std::string Signature(SignedRequest request) {
  request.host = "example.amazonaws.com";
  const auto fields = SignAws(request, kSuite, {"us-east-1", "service"}, kSuiteMs);
  const std::string& authorization = fields[0].second;
  return authorization.substr(authorization.rfind('=') + 1);
}

TEST(Sigv4Test, SignsAsTheVectorsOfTheSuiteSay) {
  EXPECT_EQ(Signature({.method = "GET", .path = "/"}),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(Signature({.method = "POST", .path = "/"}),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  // get-vanilla-query-order-key-case
  EXPECT_EQ(Signature({.method = "GET", .path = "/", .query = "Param2=value2&Param1=value1"}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST(Sigv4Test, SaysWhatItHasSigned) {
  AwsKeys temporary = kSuite;
  temporary.session_token = "token";
  const auto fields = SignAws({.method = "POST",
                               .host = "h",
                               .path = "/a",
                               .content_type = "application/x-protobuf",
                               .body = "x"},
                              temporary, {"us-east-1", "aps"}, kSuiteMs);
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[0].first, "Authorization");
  EXPECT_TRUE(fields[0].second.starts_with(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/aps/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="))
      << fields[0].second;
  EXPECT_EQ(fields[1], (std::pair<std::string, std::string>("X-Amz-Date", "20150830T123600Z")));
  EXPECT_EQ(fields[2], (std::pair<std::string, std::string>("X-Amz-Security-Token", "token")));
}

}  // namespace
}  // namespace deucalion::remote
