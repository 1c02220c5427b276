#include "server/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "server/config/default_config.h"
#include "server/config/sd_schema.h"
#include "tests/support/source_dir.h"

namespace deucalion::config {
namespace {

using testing::HasSubstr;

const std::string kTestData = SourceDir() + "/tests/server/config/testdata/";

std::string Slurp(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> Files(const std::string& dir, const std::string& suffix) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kTestData + dir)) {
    const std::string path = entry.path().string();
    if (path.ends_with(suffix)) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<Config> Parse(std::string_view text, LoadOptions options = {}) {
  return ParseConfig(text, "prometheus.yml", "/etc/p", options);
}

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST(ConfigTest, RefusesBadFilesInPrometheusWords) {
  const std::vector<std::string> files = Files("bad", ".yml");
  ASSERT_GT(files.size(), 100u);
  for (const std::string& path : files) {
    const std::string text = Slurp(path);
    ASSERT_TRUE(text.starts_with("# want: ")) << path;
    const std::string want = Replace(text.substr(8, text.find('\n') - 8), "\\n", "\n");
    const Result<Config> config = LoadConfig(path, {});
    ASSERT_FALSE(config.ok()) << path;
    EXPECT_THAT(config.status().message(), HasSubstr(want)) << path;
    EXPECT_THAT(config.status().message(), HasSubstr("parsing YAML file " + path + ":")) << path;
  }
}

// Each good file has beside it what status/config shows for it. That reads back to the same, except
// for zero values of keys whose default is another: Prometheus leaves them out, and so do we.
TEST(ConfigTest, PrintsTheEffectiveConfiguration) {
  const std::vector<std::string> files = Files("good", ".yml");
  ASSERT_FALSE(files.empty());
  for (const std::string& path : files) {
    const Result<Config> config = ParseConfig(Slurp(path), path, "/etc/p", {});
    ASSERT_TRUE(config.ok()) << path << ": " << config.status().message();
    const std::string printed = config->ToYaml();
    const std::string want_path = path.substr(0, path.size() - 4) + ".want";
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(want_path) << printed;
    EXPECT_EQ(printed, Slurp(want_path)) << path;
    const Result<Config> again = ParseConfig(printed, path, "/etc/p", {});
    ASSERT_TRUE(again.ok()) << path << ": " << again.status().message();
    if (path.ends_with("lossy.yml")) continue;
    EXPECT_EQ(again->ToYaml(), printed) << path;
  }
}

TEST(ConfigTest, EmptyFileIsAllDefaults) {
  for (const std::string text : {"", "# nothing\n", "global:\n", "scrape_configs:\n"}) {
    const Result<Config> config = Parse(text);
    ASSERT_TRUE(config.ok()) << text;
    EXPECT_EQ(config->ToYaml(),
              "global:\n"
              "  scrape_interval: 1m\n"
              "  scrape_timeout: 10s\n"
              "  evaluation_interval: 1m\n"
              "  metric_name_validation_scheme: utf8\n"
              "  metric_name_escaping_scheme: allow-utf-8\n"
              "  scrape_native_histograms: false\n"
              "  extra_scrape_metrics: false\n"
              "runtime:\n"
              "  gogc: 75\n"
              "otlp:\n"
              "  translation_strategy: UnderscoreEscapingWithSuffixes\n"
              "  label_name_underscore_sanitization: true\n"
              "  label_name_preserve_multiple_underscores: true\n");
  }
}

TEST(ConfigTest, HidesSecrets) {
  const Result<Config> config = Parse(Slurp(kTestData + "good/secrets.yml"));
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->ToYaml().find("hunter2"), std::string::npos) << config->ToYaml();
  EXPECT_EQ(config->scrape_configs[0].http.basic_auth->password, "hunter2");
  // What a provider is given still has them.
  bool found = false;
  for (const auto& sd : config->scrape_configs[0].discovery) {
    const auto* other = std::get_if<scrape::OtherSdConfig>(&sd);
    if (other == nullptr || other->kind != "consul") continue;
    found = true;
    const Result<SdRecord> record = ParseSdRecord(*other);
    ASSERT_TRUE(record.ok()) << record.status().message();
    EXPECT_EQ(record->Get("token"), "hunter2");
    EXPECT_EQ(record->Get("refresh_interval"), "30s");
  }
  EXPECT_TRUE(found);
}

TEST(ConfigTest, ResolvesPathsAgainstItsDirectory) {
  const Result<Config> config = Parse(R"(
global: {query_log_file: q.log}
rule_files: [rules/*.nothing, /abs/none.yml]
scrape_configs:
- job_name: a
  tls_config: {ca_file: ca.pem}
  file_sd_configs: [{files: [t.yml]}]
  consul_sd_configs: [{tls_config: {ca_file: c.pem}}]
remote_write: [{url: "http://a", bearer_token_file: token}]
)");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->global.query_log_file, "/etc/p/q.log");
  EXPECT_EQ(config->rule_files,
            (std::vector<std::string>{"/etc/p/rules/*.nothing", "/abs/none.yml"}));
  const scrape::ScrapeConfig& job = config->scrape_configs[0];
  EXPECT_EQ(job.http.tls_config.ca_file, "/etc/p/ca.pem");
  EXPECT_THAT(config->ToYaml(), HasSubstr("- /etc/p/t.yml\n"));
  EXPECT_THAT(config->ToYaml(), HasSubstr("ca_file: /etc/p/c.pem\n"));
  EXPECT_EQ(config->remote_write[0].http.authorization->credentials_file, "/etc/p/token");
}

TEST(ConfigTest, ExpandsExternalLabels) {
  LoadOptions options;
  options.environment = [](const std::string& name) {
    return name == "TEST" ? std::string("TestValue") : std::string();
  };
  const Result<Config> config = Parse(R"(
global:
  external_labels:
    bar: foo
    foo: foo${TEST}bar
    baz: foo${TEST1}bar
    qux: foo$${TEST}
    xyz: foo$$bar
    und: $TEST
)",
                                      options);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(
      config->global.scrape.external_labels.ToString(),
      R"({bar="foo", baz="foobar", foo="fooTestValuebar", qux="foo${TEST}", und="TestValue", )"
      R"(xyz="foo$bar"})");
  EXPECT_EQ(config->notes, std::vector<std::string>{"Empty environment variable: TEST1"});
}

TEST(ConfigTest, FollowsAnchorsAndMerges) {
  const Result<Config> config = Parse(R"(
scrape_configs:
- &base
  job_name: a
  scrape_interval: 7s
  metrics_path: /x
- <<: *base
  job_name: b
  metrics_path: /y
)");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->scrape_configs[1].job_name, "b");
  EXPECT_EQ(config->scrape_configs[1].metrics_path, "/y");
  EXPECT_EQ(config->scrape_configs[1].scrape_interval_ms, 7000);
}

TEST(ConfigTest, JobsInheritFromGlobal) {
  const Result<Config> config = Parse(R"(
global:
  scrape_interval: 5s
  sample_limit: 7
  body_size_limit: 10MB
  scrape_native_histograms: true
  metric_name_validation_scheme: legacy
scrape_configs:
- job_name: a
- job_name: b
  sample_limit: 8
  scrape_native_histograms: false
)");
  ASSERT_TRUE(config.ok()) << config.status().message();
  const scrape::ScrapeConfig& a = config->scrape_configs[0];
  EXPECT_EQ(a.scrape_interval_ms, 5000);
  EXPECT_EQ(a.scrape_timeout_ms, 5000);
  EXPECT_EQ(a.limits.sample_limit, 7u);
  EXPECT_EQ(a.limits.body_size_limit, 10 << 20);
  EXPECT_EQ(a.scrape_protocols->front(), scrape::ScrapeProtocol::kPrometheusProto);
  EXPECT_EQ(a.metric_name_escaping_scheme, "underscores");
  const scrape::ScrapeConfig& b = config->scrape_configs[1];
  EXPECT_EQ(b.limits.sample_limit, 8u);
  EXPECT_EQ(b.scrape_protocols->front(), scrape::ScrapeProtocol::kOpenMetricsText1_0_0);
}

TEST(ConfigTest, AgentModeRefusesWhatItCannotDo) {
  LoadOptions agent;
  agent.agent = true;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"rule_files: [a.yml]", "field rule_files is not allowed in agent mode"},
      {"alerting: {alertmanagers: [{}]}", "field alerting is not allowed in agent mode"},
      {"remote_read: [{url: 'http://a'}]", "field remote_read is not allowed in agent mode"},
  };
  for (const auto& [text, want] : cases) {
    EXPECT_TRUE(Parse(text).ok()) << text;
    EXPECT_EQ(Parse(text, agent).status().message(), want);
  }
}

TEST(ConfigTest, NamesWhatIsConfiguredButInactive) {
  const Result<Config> config = Parse(R"(
scrape_configs:
- job_name: a
  static_configs: [{targets: [a]}]
  file_sd_configs: [{files: [a.yml]}]
  consul_sd_configs: [{}]
remote_write: [{url: "http://a"}]
tracing: {endpoint: a}
)");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->Inactive({"file_sd_configs", "remote_write"}),
            (std::vector<std::string>{"tracing", "consul_sd_configs"}));
}

TEST(ConfigTest, FeaturesChangeDefaults) {
  LoadOptions options;
  options.features.extra_scrape_metrics = true;
  options.features.created_timestamp_zero_ingestion = true;
  for (const std::string text :
       {"scrape_configs: [{job_name: a}]",
        "global: {scrape_interval: 1m}\nscrape_configs: [{job_name: a}]"}) {
    const Result<Config> config = Parse(text, options);
    ASSERT_TRUE(config.ok());
    const scrape::ScrapeConfig& job = config->scrape_configs[0];
    EXPECT_TRUE(*job.extra_scrape_metrics);
    EXPECT_EQ(job.scrape_protocols->front(), scrape::ScrapeProtocol::kPrometheusProto);
  }
}

class ConfigFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "config_files_" + std::to_string(getpid());
    std::filesystem::create_directories(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ + "/" + name) << text;
  }
  std::string dir_;
};

TEST_F(ConfigFilesTest, LoadsScrapeAndRuleFiles) {
  Write("p.yml",
        "rule_files: [r*.yml]\nscrape_config_files: [s*.yml]\n"
        "scrape_configs: [{job_name: a}]\n");
  Write("s1.yml", "scrape_configs: [{job_name: b, tls_config: {ca_file: x}}]\n");
  Write("r1.yml", "groups: [{name: g, rules: [{record: x, expr: up}]}]\n");
  const Result<Config> config = LoadConfig(dir_ + "/p.yml", {});
  ASSERT_TRUE(config.ok()) << config.status().message();
  ASSERT_EQ(config->AllScrapeConfigs().size(), 2u);
  EXPECT_EQ(config->AllScrapeConfigs()[1].http.tls_config.ca_file, dir_ + "/x");
  ASSERT_EQ(config->rules.size(), 1u);
  EXPECT_EQ(config->rules[0].groups[0].rules[0].record, "x");

  Write("s2.yml", "scrape_configs: [{job_name: a}]\n");
  EXPECT_THAT(LoadConfig(dir_ + "/p.yml", {}).status().message(),
              HasSubstr("found multiple scrape configs with job name \"a\", first found in main "
                        "config file"));
  Write("s2.yml", "scrape_configs: [{job_name: c, foo: 1}]\n");
  EXPECT_THAT(LoadConfig(dir_ + "/p.yml", {}).status().message(),
              HasSubstr("s2.yml:1:32: yaml: unmarshal errors:\n  line 1: field foo not found"));
}

TEST_F(ConfigFilesTest, MissingFileSaysSo) {
  const Result<Config> config = LoadConfig(dir_ + "/none.yml", {});
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), StatusCode::kNotFound);
}

TEST(ConfigTest, HugeAndDeepDocumentsAreRefused) {
  EXPECT_FALSE(Parse(std::string(200'000, '[')).ok());
  EXPECT_FALSE(Parse("a: " + std::string(YamlDocument::kMaxBytes, 'x')).ok());
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += std::string(i % 700, ' ') + "a:\n";
  EXPECT_FALSE(Parse(deep).ok());
}

TEST(ConfigTest, DefaultConfigurationScrapesItself) {
  const Result<Config> alone = Parse(DefaultConfigText("0.0.0.0:9090", false));
  ASSERT_TRUE(alone.ok()) << alone.status().message();
  ASSERT_EQ(alone->scrape_configs.size(), 1u);
  EXPECT_THAT(alone->ToYaml(), HasSubstr("- localhost:9090\n"));
  const Result<Config> with_node = Parse(DefaultConfigText("[::1]:19090", true));
  ASSERT_TRUE(with_node.ok());
  ASSERT_EQ(with_node->scrape_configs.size(), 2u);
  EXPECT_THAT(with_node->ToYaml(), HasSubstr("'[::1]:19090'\n"));
  EXPECT_THAT(with_node->ToYaml(), HasSubstr("- localhost:9100\n"));
}

}  // namespace
}  // namespace deucalion::config
