#include "server/web/web_security.h"

#include <gtest/gtest.h>

#include <fstream>

#include "server/http/server.h"
#include "tests/server/http/test_certificate.h"
#include "tests/support/temp_dir.h"

namespace deucalion::web {
namespace {

// Cost 4: the cheapest there is. The password is "secret".
constexpr std::string_view kUsers =
    "basic_auth_users:\n  alice: $2b$04$QOauhQNbBCuQDKes6eFzPeVj0cCigtIZ1NEwIggIAOiVqcS6cpIjG\n";
constexpr std::string_view kAlice = "Basic YWxpY2U6c2VjcmV0";       // alice:secret
constexpr std::string_view kAliceWrong = "Basic YWxpY2U6Z3Vlc3M=";  // alice:guess
constexpr std::string_view kBob = "Basic Ym9iOnNlY3JldA==";         // bob:secret

class WebSecurityTest : public testing::Test {
 protected:
  void Write(const std::string& name, std::string_view text) {
    std::ofstream(dir_.Path(name)) << text;
  }
  Status Load() {
    auto loaded =
        WebSecurity::Load(dir_.Path("web.yml"), FileSystem::Posix(), &clock_, Logger::Null());
    if (!loaded.ok()) return loaded.TakeStatus();
    security_ = std::move(loaded).value();
    return OkStatus();
  }
  // Status of the answer; 200 when the handler may run.
  int Ask(std::string_view authorization = "") {
    http::Request request;
    if (!authorization.empty()) request.headers.Set("Authorization", std::string(authorization));
    response_ = http::Response();
    return security_->Admit(request, &response_) ? 200 : response_.status;
  }

  TempDir dir_;
  ManualClock clock_;
  std::unique_ptr<WebSecurity> security_;
  http::Response response_;
};

TEST_F(WebSecurityTest, ChecksUsersAndPasswords) {
  Write("web.yml", kUsers);
  ASSERT_TRUE(Load().ok());
  EXPECT_FALSE(security_->tls_enabled());
  EXPECT_EQ(Ask(), 401);
  EXPECT_EQ(response_.headers.Get("WWW-Authenticate"), "Basic");
  EXPECT_EQ(response_.body, "Unauthorized\n");
  for (int i = 0; i < 2; i++) {  // The second time from memory.
    EXPECT_EQ(Ask(kAlice), 200);
    EXPECT_EQ(Ask(kAliceWrong), 401);
  }
  EXPECT_EQ(Ask(kBob), 401);
  for (const char* bad : {"Basic", "Basic !!!!", "Basic YQ==", "Bearer YWxpY2U6c2VjcmV0"}) {
    EXPECT_EQ(Ask(bad), 401) << bad;
  }
}

TEST_F(WebSecurityTest, FollowsItsFile) {
  Write("web.yml", kUsers);
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(Ask(), 401);
  Write("web.yml", "http_server_config: {headers: {X-Frame-Options: deny}}\n");
  EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(response_.headers.Get("X-Frame-Options"), "deny");
  Write("web.yml", "no such key: 1");
  EXPECT_EQ(Ask(), 500);
  Write("web.yml", std::string(kUsers) + "# right again\n");
  EXPECT_EQ(Ask(kAlice), 200);
}

TEST_F(WebSecurityTest, LimitsTheRate) {
  Write("web.yml", "rate_limit: {interval: 1s, burst: 2}");
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(Ask(), 429);
  EXPECT_EQ(response_.body, "Too Many Requests\n");
  clock_.AdvanceMs(1000);
  EXPECT_EQ(Ask(), 200);
  EXPECT_EQ(Ask(), 429);
}

TEST_F(WebSecurityTest, GivesTlsWithTheCertificateOnDisk) {
  const http::TestCertificate first = http::MakeTestCertificate("first");
  Write("web.yml", "tls_server_config: {cert_file: c.pem, key_file: k.pem}");
  EXPECT_NE(Load().message().find("failed to read cert_file (" + dir_.Path("c.pem") + ")"),
            std::string::npos);
  Write("c.pem", first.cert_pem);
  Write("k.pem", first.key_pem);
  ASSERT_TRUE(Load().ok());
  EXPECT_TRUE(security_->tls_enabled());
  const auto context = security_->Tls();
  ASSERT_TRUE(context.ok());
  EXPECT_EQ(*security_->Tls(), *context) << "nothing has changed";

  http::Router router;
  router.Get("/", [](http::Request&, http::Response* r) { r->body = "hello"; });
  http::ServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  options.tls = [this] { return security_->Tls(); };
  http::Server server(options, &router, nullptr, Logger::Null());
  ASSERT_TRUE(server.Start().ok());
  EXPECT_EQ(http::TlsClient(server.ports()[0]).PeerName(), "first");
  const http::TestCertificate second = http::MakeTestCertificate("second, with a longer name");
  Write("c.pem", second.cert_pem);
  EXPECT_FALSE(http::TlsClient(server.ports()[0]).connected()) << "the key does not fit";
  Write("k.pem", second.key_pem);
  EXPECT_EQ(http::TlsClient(server.ports()[0]).PeerName(), "second, with a longer name");
}

TEST(BasicAuthTest, SplitsAtTheFirstColon) {
  std::string user;
  std::string password;
  ASSERT_TRUE(ParseBasicAuth("basic dXNlcjpwYTpzcw==", &user, &password));
  EXPECT_EQ(user, "user");
  EXPECT_EQ(password, "pa:ss");
}

}  // namespace
}  // namespace deucalion::web
