#include "server/http/tls.h"

#include <gtest/gtest.h>

#include "server/http/server.h"
#include "tests/server/http/raw_client.h"
#include "tests/server/http/test_certificate.h"

namespace deucalion::http {
namespace {

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    router_.Get("/hello", [](Request& q, Response* r) {
      r->SetBody(q.tls ? "over tls" : "plain", "text/plain");
    });
    router_.Post("/size", [](Request& q, Response* r) {
      r->SetBody("size " + std::to_string(q.body.size()), "text/plain");
    });
    router_.Get("/big", [](Request&, Response* r) {
      r->SetBody(std::string(5 << 20, 'x') + "end", "text/plain");
    });
    own_ = MakeTestCertificate("first");
    tls_.cert_pem = own_.cert_pem;
    tls_.key_pem = own_.key_pem;
  }

  void Start() {
    ServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    options.tls = [this] { return MakeTlsContext(tls_); };
    options.timeouts.tls_handshake = std::chrono::milliseconds(300);
    server_ = std::make_unique<Server>(options, &router_, nullptr, Logger::Null());
    ASSERT_TRUE(server_->Start().ok());
  }
  uint16_t port() const { return server_->ports()[0]; }

  TestCertificate own_;
  TlsOptions tls_;
  Router router_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, AnswersSmallAndLargeOnOneConnection) {
  Start();
  TlsClient client(port());
  EXPECT_TRUE(client.Ask(GetRequest("/hello"), "over tls").ends_with("over tls"));
  EXPECT_GT(client.Ask(GetRequest("/big"), "end").size(), 5u << 20);
  const std::string body(1 << 20, 'b');
  EXPECT_TRUE(client
                  .Ask("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n" + body,
                       "1048576")
                  .ends_with("size 1048576"));
}

TEST_F(TlsTest, AnswersPipelinedRequests) {
  Start();
  TlsClient client(port());
  const std::string answers = client.Ask(
      GetRequest("/hello") + GetRequest("/hello") + GetRequest("/hello", "Connection: close\r\n"),
      "never");
  size_t count = 0;
  for (size_t at = 0; (at = answers.find("over tls", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 3u);
}

TEST_F(TlsTest, GivesNewConnectionsTheNewCertificate) {
  Start();
  TlsClient old(port());
  EXPECT_EQ(old.PeerName(), "first");
  const TestCertificate second = MakeTestCertificate("second");
  tls_.cert_pem = second.cert_pem;
  tls_.key_pem = second.key_pem;
  EXPECT_EQ(TlsClient(port()).PeerName(), "second");
  EXPECT_TRUE(old.Ask(GetRequest("/hello"), "over tls").ends_with("over tls"));
}

TEST_F(TlsTest, TellsPlainClientsWhatIsWrong) {
  Start();
  RawClient client(port());
  client.Send(GetRequest("/hello"));
  EXPECT_EQ(client.ReadToEnd(),
            "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
}

TEST_F(TlsTest, CutsHandshakesThatDoNotGoOn) {
  Start();
  RawClient stalled(port());
  stalled.Send("\x16\x03");
  EXPECT_TRUE(TlsClient(port()).Ask(GetRequest("/hello"), "tls").ends_with("over tls"));
  stalled.ReadToEnd();
  EXPECT_TRUE(stalled.closed());
}

TEST_F(TlsTest, RefusesVersionsBelowTheMinimum) {
  tls_.min_version = TLS1_3_VERSION;
  Start();
  EXPECT_FALSE(TlsClient(port(), {}, TLS1_2_VERSION).connected());
  EXPECT_TRUE(TlsClient(port()).connected());
}

TEST_F(TlsTest, AsksForClientCertificatesAsConfigured) {
  const TestCertificate trusted = MakeTestCertificate("client", "DNS:good.example");
  const TestCertificate stranger = MakeTestCertificate("client", "DNS:good.example");
  const TestCertificate wrong_name = MakeTestCertificate("other", "DNS:bad.example");
  struct {
    ClientAuth auth;
    std::vector<std::string> sans;
    bool none, trusted, stranger, wrong_name;
  } const cases[] = {
      {ClientAuth::kNone, {}, true, true, true, true},
      {ClientAuth::kRequest, {}, true, true, true, true},
      {ClientAuth::kRequireAny, {}, false, true, true, true},
      {ClientAuth::kVerifyIfGiven, {}, true, true, false, true},
      {ClientAuth::kRequireAndVerify, {}, false, true, false, true},
      {ClientAuth::kRequireAndVerify, {"good.example"}, false, true, false, false},
      {ClientAuth::kRequireAny, {"good.example"}, false, true, true, false},
  };
  for (const auto& c : cases) {
    tls_.client_auth = c.auth;
    tls_.client_allowed_sans = c.sans;
    tls_.client_ca_pem = trusted.cert_pem + wrong_name.cert_pem;
    Start();
    const auto works = [&](const TestCertificate& certificate) {
      return TlsClient(port(), certificate).Ask(GetRequest("/hello"), "tls").ends_with("over tls");
    };
    const std::string what = "client auth " + std::to_string(static_cast<int>(c.auth));
    EXPECT_EQ(works({}), c.none) << what;
    EXPECT_EQ(works(trusted), c.trusted) << what;
    EXPECT_EQ(works(stranger), c.stranger) << what;
    EXPECT_EQ(works(wrong_name), c.wrong_name) << what;
    server_.reset();
  }
}

TEST(TlsContextTest, RefusesWhatDoesNotFitTogether) {
  const TestCertificate one = MakeTestCertificate("one");
  const TestCertificate two = MakeTestCertificate("two");
  TlsOptions good{.cert_pem = one.cert_pem, .key_pem = one.key_pem};
  EXPECT_TRUE(MakeTlsContext(good).ok());
  TlsOptions bad = good;
  bad.key_pem = two.key_pem;
  EXPECT_EQ(MakeTlsContext(bad).status().message(),
            "failed to load X509KeyPair: tls: private key does not match public key");
  bad = good;
  bad.cert_pem = "no pem";
  EXPECT_EQ(MakeTlsContext(bad).status().message(),
            "failed to load X509KeyPair: tls: failed to find any PEM data in certificate input");
  bad = good;
  bad.cipher_suites = {"TLS_NONE"};
  EXPECT_EQ(MakeTlsContext(bad).status().message(), "unknown cipher: TLS_NONE");
  bad = good;
  bad.curves = {"CurveP1"};
  EXPECT_EQ(MakeTlsContext(bad).status().message(), "unknown curve: CurveP1");
}

}  // namespace
}  // namespace deucalion::http
