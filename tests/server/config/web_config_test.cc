#include "server/config/web_config.h"

#include <gtest/gtest.h>

namespace deucalion::config {
namespace {

constexpr std::string_view kHash = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

TEST(WebConfigTest, ReadsEveryKey) {
  const auto config = ParseWebConfig("/etc/prometheus/web.yml", R"(
tls_server_config:
  cert_file: tls/server.crt
  key_file: /abs/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [a.example]
  min_version: TLS11
  max_version: TLS12
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [X25519]
http_server_config:
  http2: false
  headers:
    X-Frame-Options: deny
rate_limit: {interval: 1.5s, burst: 10}
basic_auth_users:
  alice: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi
)");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->tls.cert_file, "/etc/prometheus/tls/server.crt");
  EXPECT_EQ(config->tls.key_file, "/abs/server.key");
  EXPECT_EQ(config->tls.client_ca_file, "/etc/prometheus/ca.crt");
  EXPECT_EQ(config->tls.min_version, kTls11);
  EXPECT_EQ(config->tls.max_version, kTls12);
  EXPECT_FALSE(config->tls.prefer_server_cipher_suites);
  EXPECT_FALSE(config->http2);
  EXPECT_EQ(config->headers.at("X-Frame-Options"), "deny");
  EXPECT_EQ(config->rate_interval_ns, 1'500'000'000);
  EXPECT_EQ(config->rate_burst, 10);
  EXPECT_EQ(config->users.at("alice"), kHash);
}

TEST(WebConfigTest, AnEmptyFileAsksForNothing) {
  const auto config = ParseWebConfig("web.yml", "");
  ASSERT_TRUE(config.ok());
  EXPECT_FALSE(config->tls.enabled());
  EXPECT_EQ(config->tls.min_version, kTls12);
  EXPECT_TRUE(config->http2);
}

TEST(WebConfigTest, RefusesInTheWordsOfExporterToolkit) {
  const std::string tls = "tls_server_config: {cert_file: a, key_file: b, ";
  struct {
    std::string text;
    std::string want;
  } const cases[] = {
      {"tls_config: {}", "field tls_config not found in type web.Config"},
      {"tls_server_config: {certfile: a}", "field certfile not found in type web.TLSConfig"},
      {"rate_limit: {bursts: 1}", "field bursts not found in type web.RateLimiterConfig"},
      {"rate_limit: {interval: never}", "into time.Duration"},
      {"tls_server_config: {cert_file: a}", "missing one of key or key_file"},
      {"tls_server_config: {key_file: a}", "missing one of cert or cert_file"},
      {tls + "client_auth_type: Maybe}", "invalid ClientAuth: Maybe"},
      {tls + "client_ca_file: c}", "client CA's have been configured without a Client Auth Policy"},
      {tls + "client_allowed_sans: [x]}",
       "client_allowed_sans requires client_auth_type to be one of RequireAnyClientCert or "
       "RequireAndVerifyClientCert"},
      {tls + "min_version: SSL3}", "unknown TLS version: SSL3"},
      {"http_server_config: {headers: {X-Other: a}}",
       "HTTP header \"X-Other\" can not be configured"},
      {"http_server_config: {headers: {X-Frame-Options: no}}",
       "invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"], but got: "
       "\"no\""},
      {"basic_auth_users: {a: short}",
       "crypto/bcrypt: hashedSecret too short to be a bcrypted password"},
      {"basic_auth_users: {a: x" + std::string(59, 'x') + "}",
       "crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret started with 'x'"},
      {"basic_auth_users: {a: $2y$99" + std::string(54, 'x') + "}",
       "crypto/bcrypt: cost 99 is outside allowed range (4,31)"},
  };
  for (const auto& c : cases) {
    const auto config = ParseWebConfig("web.yml", c.text);
    ASSERT_FALSE(config.ok()) << c.text;
    EXPECT_NE(config.status().message().find(c.want), std::string::npos)
        << c.text << " gave " << config.status().message();
    EXPECT_TRUE(config.status().message().starts_with("web.yml"));
  }
}

}  // namespace
}  // namespace deucalion::config
