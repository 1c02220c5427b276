#include "server/remote/auth/google_token.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <nlohmann/json.hpp>

#include "tests/server/remote/auth/auth_fixture.h"

namespace deucalion::remote {
namespace {

using Json = nlohmann::json;

std::string FromBase64Url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const size_t padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  std::string out(text.size(), '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  EXPECT_GE(n, 0);
  out.resize(static_cast<size_t>(n) - padding);
  return out;
}

std::string FormValue(const std::string& body, const std::string& name) {
  const size_t at = ("&" + body).find("&" + name + "=");
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size() + 1;
  return body.substr(begin, body.find('&', begin) - begin);
}

class GoogleTokenTest : public AuthTest {
 protected:
  GoogleTokenTest() {
    config_.google_iam.emplace();
    environment_["GCE_METADATA_HOST"] = cloud_.url().substr(7);
  }
  ~GoogleTokenTest() override { EVP_PKEY_free(key_); }

  std::string PrivateKeyPem() {
    if (key_ == nullptr) key_ = EVP_RSA_gen(2048);
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key_, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(bio);
    return pem;
  }
  bool Verify(const std::string& text, const std::string& signature) {
    EVP_MD_CTX* const ctx = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(ctx, nullptr, EVP_sha256(), nullptr, key_);
    const int ok = EVP_DigestVerify(
        ctx, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
        reinterpret_cast<const unsigned char*>(text.data()), text.size());
    EVP_MD_CTX_free(ctx);
    return ok == 1;
  }
  Json ServiceAccount() {
    return {{"type", "service_account"},
            {"client_email", "writer@p.iam.gserviceaccount.com"},
            {"private_key", PrivateKeyPem()},
            {"private_key_id", "id7"},
            {"token_uri", cloud_.url() + "/token"}};
  }

  EVP_PKEY* key_ = nullptr;
};

TEST_F(GoogleTokenTest, ForTheKeyOfAServiceAccount) {
  config_.google_iam->credentials_file = "/key.json";
  files_["/key.json"] = ServiceAccount().dump();
  cloud_.Set("POST /token", R"({"access_token": "ya29", "expires_in": 3600})");
  EXPECT_EQ(Field(), "Bearer ya29");
  const std::string body = cloud_.last().body;
  EXPECT_EQ(FormValue(body, "grant_type"), "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
  const std::string assertion = FormValue(body, "assertion");
  const size_t dot = assertion.find('.'), last_dot = assertion.rfind('.');
  const Json header = Json::parse(FromBase64Url(assertion.substr(0, dot)));
  EXPECT_EQ(header, (Json{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "id7"}}));
  Json claims = Json::parse(FromBase64Url(assertion.substr(dot + 1, last_dot - dot - 1)));
  claims.erase("jti");
  EXPECT_EQ(claims, (Json{{"iss", "writer@p.iam.gserviceaccount.com"},
                          {"aud", cloud_.url() + "/token"},
                          {"iat", 1'700'000'000},
                          {"exp", 1'700'003'600},
                          {"scope", "https://www.googleapis.com/auth/monitoring.write"}}));
  EXPECT_TRUE(Verify(assertion.substr(0, last_dot), FromBase64Url(assertion.substr(last_dot + 1))));
  Field();
  EXPECT_EQ(Count("POST /token"), 1u);
  PassSeconds(3600);
  Field();
  EXPECT_EQ(Count("POST /token"), 2u);
}

TEST_F(GoogleTokenTest, OfTheMachineUntilShortlyBeforeItExpires) {
  cloud_.Set("GET /computeMetadata/v1/instance/service-accounts/default/token",
             R"({"access_token": "m1", "expires_in": 1000, "token_type": "Bearer"})");
  EXPECT_EQ(Field(), "Bearer m1");
  EXPECT_EQ(cloud_.last().Header("Metadata-Flavor"), "Google");
  EXPECT_EQ(cloud_.last().line,
            "GET /computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2F"
            "www.googleapis.com%2Fauth%2Fmonitoring.write HTTP/1.1");
  cloud_.Set("GET /computeMetadata/v1/instance/service-accounts/default/token",
             R"({"access_token": "m2", "expires_in": 1000})");
  PassSeconds(774);
  EXPECT_EQ(Field(), "Bearer m1");
  PassSeconds(1);
  EXPECT_EQ(Field(), "Bearer m2");
  cloud_.Set("GET /computeMetadata/v1/instance/service-accounts/default/token", "",
             "404 Not Found");
  PassSeconds(1000);
  EXPECT_TRUE(Field().starts_with("error: google: could not find default credentials: GET http"));
}

TEST_F(GoogleTokenTest, ForAPersonAndTheirProject) {
  files_["/home/me/.config/gcloud/application_default_credentials.json"] = Json{
      {"type", "authorized_user"},
      {"client_id", "c"},
      {"client_secret", "s"},
      {"refresh_token", "r"},
      {"token_uri", cloud_.url() + "/"},
      {"quota_project_id", "p"}}.dump();
  cloud_.Set("POST /", R"({"access_token": "u", "expires_in": 3600})");
  EXPECT_EQ(Field(), "Bearer u");
  EXPECT_EQ(cloud_.last().body,
            "client_id=c&client_secret=s&grant_type=refresh_token&refresh_token=r");
  EXPECT_EQ(Field("X-Goog-User-Project"), "p");
  environment_["GOOGLE_CLOUD_QUOTA_PROJECT"] = "q";
  auth_ = nullptr;
  EXPECT_EQ(Field("X-Goog-User-Project"), "q");
}

TEST_F(GoogleTokenTest, FilesThatWillNotDoAreErrorsOfTheConfiguration) {
  environment_["GOOGLE_APPLICATION_CREDENTIALS"] = "/key.json";
  EXPECT_EQ(Configure().message(),
            "error reading Google credentials file: unable to read /key.json");
  const std::pair<const char*, const char*> cases[] = {
      {"not json", "error parsing Google credentials file: it is no JSON object"},
      {"{}", "error parsing Google credentials file: unknown credential type: \"\""},
      {R"({"type": "service_account", "client_email": 7})",
       "error parsing Google credentials file: client_email or private_key is missing"},
      {R"({"type": "external_account"})",
       "google_iam: credentials of type \"external_account\" are not supported yet"},
  };
  for (const auto& [text, want] : cases) {
    files_["/key.json"] = text;
    EXPECT_EQ(Configure().message(), want) << text;
  }
  Json account = ServiceAccount();
  account["private_key"] = "no key";
  files_["/key.json"] = account.dump();
  auth_ = nullptr;
  EXPECT_TRUE(Field().starts_with("error: invalid oauth2 client certificate key")) << Field();
}

}  // namespace
}  // namespace deucalion::remote
