#include "server/remote/auth/aws_keys.h"

#include "tests/server/remote/auth/auth_fixture.h"

namespace deucalion::remote {
namespace {

class AwsKeysTest : public AuthTest {
 protected:
  AwsKeysTest() {
    config_.sigv4.emplace();
    environment_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = cloud_.url() + "/";
    environment_["AWS_ENDPOINT_URL_STS"] = cloud_.url();
    environment_["AWS_REGION"] = "eu-west-1";
  }
  // KEY/token@region of the signature, or the error.
  std::string SignedBy() {
    const auto request = Authorize();
    if (!request.ok()) return request.status().message();
    std::string key, token, region;
    for (const auto& [name, value] : request->headers) {
      if (name == "X-Amz-Security-Token") token = value;
      if (name != "Authorization") continue;
      const size_t begin = value.find("Credential=") + 11;
      key = value.substr(begin, value.find('/', begin) - begin);
      const size_t date = begin + key.size() + 10;
      region = value.substr(date, value.find('/', date) - date);
    }
    return key + "/" + token + "@" + region;
  }
  std::string Found() {
    auth_ = nullptr;
    return SignedBy();
  }
  void SetMachineKeys(const std::string& key, const std::string& expiration) {
    cloud_.Set("GET /latest/meta-data/iam/security-credentials/my-role",
               R"({"Code": "Success", "AccessKeyId": ")" + key +
                   R"(", "SecretAccessKey": "s", "Token": "t", "Expiration": ")" + expiration +
                   R"("})");
  }
  void SetMachine() {
    cloud_.Set("PUT /latest/api/token", "TOKEN");
    cloud_.Set("GET /latest/meta-data/iam/security-credentials/", "my-role\n");
    SetMachineKeys("M", "2023-11-14T23:13:20Z");  // in an hour
  }
  void SetStsKeys(const std::string& action, const std::string& key,
                  const std::string& expiration) {
    cloud_.Set("POST /",
               "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>" + key +
                   "</AccessKeyId><SecretAccessKey>s</SecretAccessKey>" +
                   "<SessionToken>st</SessionToken><Expiration>" + expiration +
                   "</Expiration></Credentials></" + action + "Result></" + action + "Response>");
  }
};

TEST_F(AwsKeysTest, TheEntryThenTheEnvironmentThenTheDefaultProfile) {
  environment_.erase("AWS_REGION");
  files_["/home/me/.aws/credentials"] =
      "# mine\n[default]\naws_access_key_id = F\naws_secret_access_key=f\r\n\n"
      "[other]\naws_access_key_id=O\naws_secret_access_key=o\naws_session_token=t\n";
  files_["/home/me/.aws/config"] = "[default]\nregion=r1\n[profile other]\nregion = r2\n";
  EXPECT_EQ(Found(), "F/@r1");
  environment_["AWS_ACCESS_KEY_ID"] = "E";
  environment_["AWS_SECRET_ACCESS_KEY"] = "e";
  environment_["AWS_SESSION_TOKEN"] = "s";
  environment_["AWS_REGION"] = "r3";
  EXPECT_EQ(Found(), "E/s@r3");
  config_.sigv4->profile = "other";
  EXPECT_EQ(Found(), "O/t@r3");
  config_.sigv4->region = "r4";
  config_.sigv4->access_key = "C";
  config_.sigv4->secret_key = "c";
  EXPECT_EQ(Found(), "C/@r4");
  EXPECT_TRUE(cloud_.asked().empty());
}

TEST_F(AwsKeysTest, FilesMayBeElsewhere) {
  environment_["AWS_SHARED_CREDENTIALS_FILE"] = "/keys";
  environment_["AWS_PROFILE"] = "p";
  files_["/keys"] = "[p]\naws_access_key_id=P\naws_secret_access_key=p\nregion=r\n";
  EXPECT_EQ(Found(), "P/@eu-west-1");
  environment_.erase("AWS_REGION");
  EXPECT_EQ(Found(), "P/@r");
}

TEST_F(AwsKeysTest, NothingFoundIsAnErrorOfTheConfiguration) {
  environment_["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(Configure().message(),
            "could not get SigV4 credentials: no access key in the configuration, the environment "
            "or profile \"default\", and access to EC2's metadata is disabled");
  config_.sigv4->profile = "gone";
  EXPECT_EQ(Configure().message(),
            "could not create new AWS session: failed to get shared config profile, gone");
  config_.sigv4->access_key = config_.sigv4->secret_key = "C";
  environment_.erase("AWS_REGION");
  EXPECT_EQ(Configure().message(),
            "region not configured in sigv4 or in default credentials chain");
}

TEST_F(AwsKeysTest, OfTheMachineUntilFiveMinutesBeforeTheyExpire) {
  SetMachine();
  EXPECT_EQ(SignedBy(), "M/t@eu-west-1");
  const auto asked = cloud_.asked();
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_EQ(asked[0].line, "PUT /latest/api/token HTTP/1.1");
  EXPECT_EQ(asked[0].Header("X-aws-ec2-metadata-token-ttl-seconds"), "300");
  EXPECT_EQ(asked[1].Header("X-aws-ec2-metadata-token"), "TOKEN");
  EXPECT_EQ(asked[2].line, "GET /latest/meta-data/iam/security-credentials/my-role HTTP/1.1");
  EXPECT_EQ(asked[2].Header("X-aws-ec2-metadata-token"), "TOKEN");
  SetMachineKeys("M2", "2023-11-15T23:13:20Z");
  PassSeconds(3600 - 301);
  EXPECT_EQ(SignedBy(), "M/t@eu-west-1");
  PassSeconds(1);
  EXPECT_EQ(SignedBy(), "M2/t@eu-west-1");
  EXPECT_EQ(cloud_.asked().size(), 6u);
}

TEST_F(AwsKeysTest, OfAMachineWithTheFirstVersionOfMetadata) {
  SetMachine();
  cloud_.Set("PUT /latest/api/token", "", "405 Method Not Allowed");
  EXPECT_EQ(SignedBy(), "M/t@eu-west-1");
  EXPECT_EQ(cloud_.last().Header("X-aws-ec2-metadata-token"), "");
}

TEST_F(AwsKeysTest, OfAMachineWithoutARoleAreAnErrorOfTheRequest) {
  SetMachine();
  cloud_.Set("GET /latest/meta-data/iam/security-credentials/", "", "404 Not Found");
  EXPECT_EQ(SignedBy(), "error retrieving credentials: no EC2 IMDS role found: GET " +
                            cloud_.url() +
                            "/latest/meta-data/iam/security-credentials/: 404 Not Found: ");
  cloud_.Set("GET /latest/meta-data/iam/security-credentials/", "my-role");
  cloud_.Set("GET /latest/meta-data/iam/security-credentials/my-role",
             R"({"Code": "AssumeRoleUnauthorizedAccess", "Message": "no"})");
  EXPECT_EQ(SignedBy(),
            "error retrieving credentials: no EC2 IMDS role found: AssumeRoleUnauthorizedAccess: "
            "no");
  for (const char* odd :
       {"", "[]", "{}", R"({"AccessKeyId": 7, "SecretAccessKey": []})",
        R"({"AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "soon"})"}) {
    cloud_.Set("GET /latest/meta-data/iam/security-credentials/my-role", odd);
    EXPECT_TRUE(SignedBy().starts_with("error retrieving credentials: ")) << odd;
  }
  // It goes on when the machine has been given one.
  SetMachine();
  EXPECT_EQ(SignedBy(), "M/t@eu-west-1");
}

TEST_F(AwsKeysTest, OfTheContainerWithATokenThatIsReadEachTime) {
  const std::string keys = R"({"AccessKeyId": "K", "SecretAccessKey": "s", "Token": "t",)";
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = cloud_.url() + "/v1/credentials";
  environment_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/token";
  files_["/token"] = "one\n";
  cloud_.Set("GET /v1/credentials", keys + R"("Expiration": "2023-11-14T23:13:20Z"})");
  EXPECT_EQ(SignedBy(), "K/t@eu-west-1");
  EXPECT_EQ(cloud_.last().Header("Authorization"), "one");
  files_["/token"] = "two";
  PassSeconds(3600);
  EXPECT_EQ(SignedBy(), "K/t@eu-west-1");
  EXPECT_EQ(cloud_.last().Header("Authorization"), "two");
  files_.clear();
  PassSeconds(1);
  EXPECT_EQ(SignedBy(),
            "error retrieving credentials: failed to read authorization token from /token");
}

TEST_F(AwsKeysTest, AreNotAskedForInTheOpenFarAway) {
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/keys";
  EXPECT_EQ(Configure().message(),
            "invalid endpoint host, \"example.com\", only loopback/ecs/eks hosts are allowed.");
  for (const char* url : {"https://example.com/keys", "http://169.254.170.23/v1/credentials",
                          "http://[fd00:ec2::23]/v1/credentials", "http://localhost:80/"}) {
    environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    EXPECT_TRUE(Configure().ok()) << url;
  }
}

TEST_F(AwsKeysTest, OfARoleAreRenewedShortlyBeforeTheyExpire) {
  environment_["AWS_ACCESS_KEY_ID"] = "E";
  environment_["AWS_SECRET_ACCESS_KEY"] = "e";
  config_.sigv4->role_arn = "arn:aws:iam::1:role/writer";
  config_.sigv4->external_id = "x y";
  SetStsKeys("AssumeRole", "R", "2023-11-14T22:28:20Z");  // in a quarter of an hour
  EXPECT_EQ(SignedBy(), "R/st@eu-west-1");
  const Asked asked = cloud_.last();
  EXPECT_EQ(asked.body,
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fwriter&"
            "RoleSessionName=deucalion-1700000000000&DurationSeconds=900&ExternalId=x+y");
  // Signed by who assumes it.
  const std::string host = cloud_.url().substr(7);
  const auto want =
      SignAws({.method = "POST",
               .host = host,
               .path = "/",
               .content_type = "application/x-www-form-urlencoded",
               .body = asked.body},
              {.access_key = "E", .secret_key = "e"}, {"eu-west-1", "sts"}, clock_.NowMs());
  EXPECT_EQ(asked.Header("Authorization"), want[0].second);
  EXPECT_EQ(asked.Header("Host"), host);
  SetStsKeys("AssumeRole", "R2", "2023-11-14T22:58:20Z");
  PassSeconds(900 - 31);
  EXPECT_EQ(SignedBy(), "R/st@eu-west-1");
  PassSeconds(1);
  EXPECT_EQ(SignedBy(), "R2/st@eu-west-1");
}

TEST_F(AwsKeysTest, OfARoleThatMayNotBeAssumedAreAnErrorOfTheRequest) {
  environment_["AWS_ACCESS_KEY_ID"] = environment_["AWS_SECRET_ACCESS_KEY"] = "E";
  config_.sigv4->role_arn = "arn:aws:iam::1:role/writer";
  cloud_.Set("POST /", "<Error><Code>AccessDenied</Code></Error>", "403 Forbidden");
  EXPECT_EQ(SignedBy(), "error retrieving credentials: operation error STS: AssumeRole: POST " +
                            cloud_.url() +
                            "/: 403 Forbidden: <Error><Code>AccessDenied</Code></Error>");
  cloud_.Set("POST /", "<Credentials><AccessKeyId>only");
  EXPECT_EQ(SignedBy(),
            "error retrieving credentials: operation error STS: AssumeRole: the answer has no keys "
            "in it");
}

TEST_F(AwsKeysTest, OfARoleOverThoseOfTheMachine) {
  SetMachine();
  config_.sigv4->role_arn = "arn:aws:iam::1:role/writer";
  SetStsKeys("AssumeRole", "R", "2023-11-14T22:28:20Z");
  EXPECT_EQ(SignedBy(), "R/st@eu-west-1");
  EXPECT_EQ(cloud_.last().Header("X-Amz-Security-Token"), "t");
  EXPECT_EQ(cloud_.asked().size(), 4u);
}

TEST_F(AwsKeysTest, OfARoleOfAProfile) {
  config_.sigv4->profile = "writer";
  files_["/home/me/.aws/config"] =
      "[profile writer]\nrole_arn=arn:r\nsource_profile=base\nexternal_id=e\n"
      "role_session_name=me\n[profile circle]\nrole_arn=r\nsource_profile=circle2\n"
      "[profile circle2]\nsource_profile=circle\nrole_arn=r\n"
      "[profile machine]\nrole_arn=arn:m\ncredential_source=Ec2InstanceMetadata\n"
      "[profile odd]\ncredential_source=Moon\n[profile program]\ncredential_process=/bin/keys\n"
      "[profile twofold]\nrole_arn=r\nmfa_serial=7\nsource_profile=base\n";
  files_["/home/me/.aws/credentials"] = "[base]\naws_access_key_id=B\naws_secret_access_key=b\n";
  SetStsKeys("AssumeRole", "R", "2023-11-14T22:28:20Z");
  EXPECT_EQ(Found(), "R/st@eu-west-1");
  EXPECT_EQ(cloud_.last().body,
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Ar&RoleSessionName=me&"
            "DurationSeconds=900&ExternalId=e");
  EXPECT_NE(cloud_.last().Header("Authorization").find("Credential=B/"), std::string::npos);
  SetMachine();
  config_.sigv4->profile = "machine";
  EXPECT_EQ(Found(), "R/st@eu-west-1");
  EXPECT_NE(cloud_.last().Header("Authorization").find("Credential=M/"), std::string::npos);
  const std::pair<const char*, const char*> wrong[] = {
      {"circle",
       "could not create new AWS session: profile \"circle\" has a source_profile that leads in a "
       "circle"},
      {"odd", "credential_source values must be EcsContainer, Ec2InstanceMetadata, or Environment"},
      {"program", "sigv4: profile \"program\": credential_process is not supported yet"},
      {"twofold",
       "could not create new AWS session: profile \"twofold\" wants a second factor (mfa_serial), "
       "which a server has not"}};
  for (const auto& [profile, want] : wrong) {
    config_.sigv4->profile = profile;
    EXPECT_EQ(Configure().message(), want);
  }
}

TEST_F(AwsKeysTest, OfAWebIdentityAsInKubernetes) {
  environment_["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/token";
  environment_["AWS_ROLE_ARN"] = "arn:w";
  files_["/var/token"] = "JWT";
  SetStsKeys("AssumeRoleWithWebIdentity", "W", "2023-11-14T23:13:20Z");
  EXPECT_EQ(SignedBy(), "W/st@eu-west-1");
  EXPECT_EQ(cloud_.last().body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aw&RoleSessionName="
            "deucalion-1700000000000&WebIdentityToken=JWT");
  EXPECT_EQ(cloud_.last().Header("Authorization"), "");
  environment_.erase("AWS_ROLE_ARN");
  EXPECT_EQ(Configure().message(), "role ARN is not set");
}

TEST_F(AwsKeysTest, AreFetchedOnceForRequestsThatComeTogether) {
  SetMachine();
  ASSERT_TRUE(Configure().ok());
  std::vector<std::promise<bool>> done(8);
  for (auto& one : done) {
    auth_->Authorize({.method = "POST", .url = *config_.url},
                     [&](const Result<scrape::HttpRequest>& r) { one.set_value(r.ok()); });
  }
  for (auto& one : done) EXPECT_TRUE(one.get_future().get());
  EXPECT_EQ(cloud_.asked().size(), 3u);
}

}  // namespace
}  // namespace deucalion::remote
