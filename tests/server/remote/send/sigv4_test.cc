#include "server/remote/send/sigv4.h"

#include <gtest/gtest.h>

#include <map>

namespace deucalion::remote {
namespace {

// 2015-08-30T12:36:00Z, and the keys of Amazon's published test suite.
constexpr int64_t kSuiteMs = 1'440'938'160'000;
const AwsCredentials kSuite{.access_key = "AKIDEXAMPLE",
                            .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                            .region = "us-east-1"};

std::string Signature(SignedRequest request) {
  request.host = "example.amazonaws.com";
  const auto fields = SignAws(request, kSuite, "service", kSuiteMs);
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
  AwsCredentials temporary = kSuite;
  temporary.session_token = "token";
  const auto fields = SignAws({.method = "POST",
                               .host = "h",
                               .path = "/a",
                               .content_type = "application/x-protobuf",
                               .body = "x"},
                              temporary, "aps", kSuiteMs);
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[0].first, "Authorization");
  EXPECT_TRUE(fields[0].second.starts_with(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/aps/aws4_request, "
      "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature="))
      << fields[0].second;
  EXPECT_EQ(fields[1], (std::pair<std::string, std::string>("X-Amz-Date", "20150830T123600Z")));
  EXPECT_EQ(fields[2], (std::pair<std::string, std::string>("X-Amz-Security-Token", "token")));
}

class Sigv4CredentialsTest : public ::testing::Test {
 protected:
  Result<AwsCredentials> Find() {
    return FindAwsCredentials(
        config_, {.environment = [this](const char* variable) { return environment_[variable]; },
                  .file = [this](const std::string& path) -> std::optional<std::string> {
                    const auto it = files_.find(path);
                    if (it == files_.end()) return std::nullopt;
                    return it->second;
                  }});
  }
  std::string Found() {
    const auto found = Find();
    if (!found.ok()) return found.status().message();
    return found->access_key + "/" + found->secret_key + "/" + found->session_token + "@" +
           found->region;
  }

  config::SigV4Config config_;
  std::map<std::string, std::string> environment_{{"HOME", "/home/me"}};
  std::map<std::string, std::string> files_;
};

TEST_F(Sigv4CredentialsTest, TheEntryThenTheEnvironmentThenTheDefaultProfile) {
  files_["/home/me/.aws/credentials"] =
      "# mine\n[default]\naws_access_key_id = F\naws_secret_access_key=f\r\n\n"
      "[other]\naws_access_key_id=O\naws_secret_access_key=o\naws_session_token=t\n";
  files_["/home/me/.aws/config"] = "[default]\nregion=r1\n[profile other]\nregion = r2\n";
  EXPECT_EQ(Found(), "F/f/@r1");
  environment_["AWS_ACCESS_KEY_ID"] = "E";
  environment_["AWS_SECRET_ACCESS_KEY"] = "e";
  environment_["AWS_SESSION_TOKEN"] = "s";
  environment_["AWS_REGION"] = "r3";
  EXPECT_EQ(Found(), "E/e/s@r3");
  config_.profile = "other";
  EXPECT_EQ(Found(), "O/o/t@r3");
  config_.region = "r4";
  config_.access_key = "C";
  config_.secret_key = "c";
  EXPECT_EQ(Found(), "C/c/@r4");
}

TEST_F(Sigv4CredentialsTest, FilesMayBeElsewhere) {
  environment_["AWS_SHARED_CREDENTIALS_FILE"] = "/keys";
  environment_["AWS_PROFILE"] = "p";
  files_["/keys"] = "[p]\naws_access_key_id=P\naws_secret_access_key=p\nregion=r\n";
  EXPECT_EQ(Found(), "P/p/@r");
}

TEST_F(Sigv4CredentialsTest, NothingFoundIsAnError) {
  EXPECT_TRUE(Found().starts_with("could not get SigV4 credentials: ")) << Found();
  config_.access_key = "C";
  config_.secret_key = "c";
  EXPECT_EQ(Found(), "region not configured in sigv4 or in default credentials chain");
}

}  // namespace
}  // namespace deucalion::remote
