#include "server/config/http_client_file.h"

#include <gtest/gtest.h>

namespace deucalion::config {
namespace {

TEST(HttpClientFileTest, ResolvesPathsBesideTheFile) {
  const Result<scrape::HttpClientConfig> config =
      ParseHttpClientFile("conf/client.yml",
                          "basic_auth: {username: u, password_file: pw}\n"
                          "tls_config: {ca_file: ca.pem}\n");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->basic_auth->username, "u");
  EXPECT_EQ(config->basic_auth->password_file, "conf/pw");
  EXPECT_EQ(config->tls_config.ca_file, "conf/ca.pem");
}

TEST(HttpClientFileTest, NamesTheFileInErrors) {
  struct {
    std::string text;
    std::string want;
  } cases[] = {
      {"basic_auth: [\n", "client.yml"},
      {"nope: 1\n", "client.yml:1:1: yaml: unmarshal errors:\n  line 1: field nope not found"},
      {"bearer_token: a\nbasic_auth: {username: u}\n", "client.yml:1:1: at most one of"},
  };
  for (const auto& c : cases) {
    const auto config = ParseHttpClientFile("client.yml", c.text);
    ASSERT_FALSE(config.ok()) << c.text;
    EXPECT_TRUE(config.status().message().starts_with(c.want)) << config.status().message();
  }
}

}  // namespace
}  // namespace deucalion::config
