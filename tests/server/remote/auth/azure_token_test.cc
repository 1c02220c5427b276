#include "server/remote/auth/azure_token.h"

#include "tests/server/remote/auth/auth_fixture.h"

namespace deucalion::remote {
namespace {

constexpr const char* kClient = "12345678-1234-1234-1234-123456789abc";

class AzureTokenTest : public AuthTest {
 protected:
  AzureTokenTest() {
    config_.azuread.emplace().cloud = "AzurePublic";
    environment_["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = cloud_.url();
  }
  void SetMachineToken(const std::string& token, const std::string& expires_in) {
    cloud_.Set("GET /metadata/identity/oauth2/token",
               R"({"access_token": ")" + token + R"(", "expires_in": ")" + expires_in +
                   R"(", "token_type": "Bearer", "resource": "https://monitor.azure.com/"})");
  }
};

TEST_F(AzureTokenTest, OfTheMachineIsRenewedWhenHalfItsLifeIsOver) {
  config_.azuread->managed_identity.emplace().client_id = kClient;
  SetMachineToken("one", "3600");
  EXPECT_EQ(Field(), "Bearer one");
  EXPECT_EQ(cloud_.last().line,
            std::string("GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource="
                        "https%3A%2F%2Fmonitor.azure.com%2F&client_id=") +
                kClient + " HTTP/1.1");
  EXPECT_EQ(cloud_.last().Header("Metadata"), "true");
  SetMachineToken("two", "3600");
  PassSeconds(1799);
  EXPECT_EQ(Field(), "Bearer one");
  PassSeconds(1);
  EXPECT_EQ(Field(), "Bearer two");
  // While it is valid, a metadata server that is out of order does no harm.
  cloud_.Set("GET /metadata/identity/oauth2/token", "", "500 Internal Server Error");
  PassSeconds(3000);
  EXPECT_EQ(Field(), "Bearer two");
  PassSeconds(600);
  EXPECT_EQ(Field(), "error: Failed to get access token: GET " + cloud_.url() +
                         "/metadata/identity/oauth2/token: 500 Internal Server Error: ");
  SetMachineToken("three", "3600");
  EXPECT_EQ(Field(), "Bearer three");
}

TEST_F(AzureTokenTest, OfTheMachineItselfWithoutAClient) {
  config_.azuread->managed_identity.emplace();
  config_.azuread->cloud = "AzureChina";
  SetMachineToken("one", "3600");
  EXPECT_EQ(Field(), "Bearer one");
  EXPECT_EQ(cloud_.last().line,
            "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource="
            "https%3A%2F%2Fmonitor.azure.cn%2F HTTP/1.1");
}

TEST_F(AzureTokenTest, OfTheAppService) {
  config_.azuread->managed_identity.emplace();
  environment_["IDENTITY_ENDPOINT"] = cloud_.url() + "/msi/token";
  environment_["IDENTITY_HEADER"] = "secret";
  cloud_.Set("GET /msi/token", R"({"access_token": "app", "expires_on": "1700003600"})");
  EXPECT_EQ(Field(), "Bearer app");
  EXPECT_EQ(cloud_.last().line,
            "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fmonitor.azure.com%2F "
            "HTTP/1.1");
  EXPECT_EQ(cloud_.last().Header("X-IDENTITY-HEADER"), "secret");
  PassSeconds(1799);
  Field();
  EXPECT_EQ(Count("GET"), 1u);
  PassSeconds(1);
  Field();
  EXPECT_EQ(Count("GET"), 2u);
}

TEST_F(AzureTokenTest, ForAClientsSecret) {
  config_.azuread->oauth.emplace();
  config_.azuread->oauth->client_id = kClient;
  config_.azuread->oauth->client_secret = "s&cret";
  config_.azuread->oauth->tenant_id = "tenant";
  cloud_.Set("POST /tenant/oauth2/v2.0/token",
             R"({"token_type": "Bearer", "expires_in": 3599, "access_token": "ey"})");
  EXPECT_EQ(Field(), "Bearer ey");
  EXPECT_EQ(cloud_.last().body,
            std::string("client_id=") + kClient +
                "&client_secret=s%26cret&grant_type=client_credentials&scope=https%3A%2F%2F"
                "monitor.azure.com%2F%2F.default");
  config_.azuread->scope = "https://custom/.default";
  auth_ = nullptr;
  EXPECT_EQ(Field(), "Bearer ey");
  EXPECT_TRUE(cloud_.last().body.ends_with("&scope=https%3A%2F%2Fcustom%2F.default"));
  cloud_.Set("POST /tenant/oauth2/v2.0/token",
             R"({"error": "invalid_client", "error_description": "AADSTS7000215"})",
             "401 Unauthorized");
  auth_ = nullptr;
  EXPECT_EQ(Field(), "error: Failed to get access token: POST " + cloud_.url() +
                         "/tenant/oauth2/v2.0/token: 401 Unauthorized: {\"error\": "
                         "\"invalid_client\", \"error_description\": \"AADSTS7000215\"}");
}

TEST_F(AzureTokenTest, ForTheAssertionInAFile) {
  auto& identity = config_.azuread->workload_identity.emplace();
  identity.client_id = kClient;
  identity.tenant_id = "tenant";
  cloud_.Set("POST /tenant/oauth2/v2.0/token", R"({"expires_in": 10, "access_token": "ey"})");
  EXPECT_EQ(Field(),
            "error: Failed to get access token: unable to read file "
            "/var/run/secrets/azure/tokens/azure-identity-token");
  files_["/var/run/secrets/azure/tokens/azure-identity-token"] = "first";
  EXPECT_EQ(Field(), "Bearer ey");
  EXPECT_EQ(cloud_.last().body,
            std::string("client_assertion=first&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth"
                        "%3Aclient-assertion-type%3Ajwt-bearer&client_id=") +
                kClient +
                "&grant_type=client_credentials&scope=https%3A%2F%2Fmonitor.azure.com%2F%2F"
                ".default");
  files_["/var/run/secrets/azure/tokens/azure-identity-token"] = "second";
  PassSeconds(5);
  EXPECT_EQ(Field(), "Bearer ey");
  EXPECT_TRUE(cloud_.last().body.starts_with("client_assertion=second&"));
}

TEST_F(AzureTokenTest, TheSdkTakesWhatTheEnvironmentHas) {
  config_.azuread->sdk.emplace();
  SetMachineToken("machine", "3600");
  cloud_.Set("POST /t/oauth2/v2.0/token", R"({"expires_in": 3600, "access_token": "t"})");
  cloud_.Set("POST /own/oauth2/v2.0/token", R"({"expires_in": 3600, "access_token": "own"})");
  EXPECT_EQ(Field(), "Bearer machine");
  environment_["AZURE_CLIENT_ID"] = kClient;
  environment_["AZURE_TENANT_ID"] = "t";
  environment_["AZURE_FEDERATED_TOKEN_FILE"] = "/assertion";
  files_["/assertion"] = "a";
  auth_ = nullptr;
  EXPECT_EQ(Field(), "Bearer t");
  EXPECT_TRUE(cloud_.last().body.starts_with("client_assertion=a&"));
  config_.azuread->sdk->tenant_id = "own";
  auth_ = nullptr;
  EXPECT_EQ(Field(), "Bearer own");
  environment_["AZURE_CLIENT_SECRET"] = "s";
  auth_ = nullptr;
  EXPECT_EQ(Field(), "Bearer t");
  EXPECT_TRUE(cloud_.last().body.find("client_secret=s&") != std::string::npos);
}

TEST_F(AzureTokenTest, WhatIsNoTokenIsAnError) {
  config_.azuread->managed_identity.emplace();
  const std::pair<const char*, const char*> cases[] = {
      {"", "access token is empty"},
      {"[1]", "access token is empty"},
      {R"({"access_token": ""})", "access token is empty"},
      {R"({"access_token": 7})", "access token is empty"},
      {R"({"access_token": "a", "expires_in": "0"})",
       "access token expiry is less than the current time"},
      {R"({"access_token": "a", "expires_on": 1699999999})",
       "access token expiry is less than the current time"},
  };
  for (const auto& [body, want] : cases) {
    cloud_.Set("GET /metadata/identity/oauth2/token", body);
    EXPECT_EQ(Field(), std::string("error: Failed to get access token: ") + want) << body;
  }
  for (const char* odd : {R"({"access_token": "a", "expires_in": 1e300})",
                          R"({"access_token": "a", "expires_in": {}})"}) {
    auth_ = nullptr;
    cloud_.Set("GET /metadata/identity/oauth2/token", odd);
    EXPECT_EQ(Field(), "Bearer a") << odd;
  }
}

TEST_F(AzureTokenTest, IdentitiesOfOtherMachinesAreNotSupportedYet) {
  config_.azuread->managed_identity.emplace();
  environment_["IDENTITY_ENDPOINT"] = environment_["IMDS_ENDPOINT"] = cloud_.url();
  EXPECT_EQ(Configure().message(), "azuread: identities of Azure Arc are not supported yet");
  environment_["IDENTITY_HEADER"] = environment_["IDENTITY_SERVER_THUMBPRINT"] = "x";
  EXPECT_EQ(Configure().message(), "azuread: identities of Service Fabric are not supported yet");
}

}  // namespace
}  // namespace deucalion::remote
